"""Evaluation: a method measured by a fixed protocol, with the metrics of ppgan_lite/metrics/.

- evaluation: measures the methods of one experiment: generators, translators or classifiers.
- generators, translators, attributes, classifiers: the evaluation of each kind; attributes is for StarGAN.
- translations: test pictures and what a translator makes of them.
- judges: networks that judge translations, trained here and kept in the cache; segmenter: one of them.
- measures: the metrics of a generator, chosen by its inputs.
- images: images with what the metrics need of them (features, class probabilities, ...).
- features, feature_network, inception: the networks that compute the features.
"""
