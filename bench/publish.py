"""What becomes of a run's figures: its goals are printed, --json gets the entries, and docs/benchmarks.md is written anew from the record."""
import document
import goals
import machine
import record
import report


def publish(options, all_figures):
    for figures in all_figures:
        goals.print_reached(figures)
    if options.json:
        report.write_entries(options.json, [entry for figures in all_figures for entry in figures.entries])
    if options.no_record:
        return
    date, found_on = record.now(), machine.describe(options.pg_config)
    for figures in all_figures:
        record.write(record.Record(options.command, date, found_on, figures), record.FOLDER)
    document.write(document.PAGE, record.FOLDER)
    print(f'\nrecorded in {record.FOLDER.relative_to(machine.TREE)}; {document.PAGE.relative_to(machine.TREE)} is written anew')
