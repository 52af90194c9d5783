"""Every HTML page. A page calls services and selectors and holds no rule."""
