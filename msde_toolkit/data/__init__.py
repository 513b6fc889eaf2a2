"""From a dataset's name to batches: manifests, folds, decoded images, augmentation."""
