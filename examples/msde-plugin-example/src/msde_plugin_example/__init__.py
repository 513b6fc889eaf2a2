"""An example of everything a plugin for msde-toolkit can be. Stays light: the toolkit imports the modules on use."""
