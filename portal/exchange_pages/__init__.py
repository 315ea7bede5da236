"""One exchange as the pages show it: a row, its facts, the trace of its decision."""
