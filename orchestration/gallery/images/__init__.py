"""Images of public generations: fetching them and making their renditions."""
