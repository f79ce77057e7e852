"""Evaluation: a method measured by a fixed protocol, with the metrics of ppgan_lite/metrics/.

- evaluation: measures the methods of one experiment, generators or classifiers.
- generators, classifiers: the evaluation of each kind.
- measures: the metrics of a generator, chosen by its inputs.
- images: images with what the metrics need of them (features, class probabilities, ...).
- features, feature_network, inception: the networks that compute the features.
"""
