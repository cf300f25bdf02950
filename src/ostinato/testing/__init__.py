"""Contract suites, fixtures and fakes, for our tests and those of plugin authors."""
