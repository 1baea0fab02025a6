"""A suite's results as one page that reads offline: the tables as written, the figures inline, no request anywhere."""
