"""Evaluations: a method measured by a fixed protocol, with the metrics of ppgan_lite/metrics/.

- features: the networks by whose features images are compared.
- measure: all metrics of a generator, or the accuracy of a classifier, by one protocol.
- evaluation: what measures the methods of one experiment.
"""
