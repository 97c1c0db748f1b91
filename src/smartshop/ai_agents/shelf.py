"""The agents' name for the shelf; it is built in `data_collection`, which must not import upwards."""

from smartshop.data_collection.pipelines.shelf import Shelf as Shelf
