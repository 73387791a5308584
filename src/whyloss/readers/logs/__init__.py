"""Text of a training in, a history out.

What text can hold, in one model: **numbers with names**. Each has a metric, a split, a unit (a share,
a percentage, an error rate), a row (an epoch, a step, or a count) and a role (of an epoch, of a batch
within it, of an evaluation after the end). They stand in

- lines of a program: names before their numbers (`line_parser`), or numbers under a line of names
  (`table_parser`);
- lines of a shape that was read before (`line_templates`);
- blocks of an evaluation: confusion matrices, reports, lists of values (`evaluation_blocks`);
- sentences (`prose`), which also describe curves without giving their numbers.

Words of other languages are put into English first (`languages`); names of metrics are understood in
one place (`metric_names`); facts beside the numbers, such as the number of classes, are collected by
`facts`. `row_tracker` follows the epochs, `log_table` holds the numbers in bounded memory,
`column_mapping` gives each column its role, `restarts` finds the last of several trainings, and
`history_builder` makes the history. `text_log` is the door: fed with text, asked for the history.
"""
