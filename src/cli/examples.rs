//! What `--help` says at its end: examples, and what the exit codes mean.

pub(super) const PROGRAM_EXAMPLES: &str = "\
Examples:
  tenantsweep sweep sample-logs                              read exports, say who is blocked
  tenantsweep report sweep-out --format html -o page.html    the same again, from the dataset
  tenantsweep explain AADSTS53003                            what a code means, who can mend it

`tenantsweep COMMAND --help` has the flags and examples of each command.";

pub(super) const INSPECT_EXAMPLES: &str = "\
Examples:
  tenantsweep inspect exports
  tenantsweep inspect evidence.zip --zip-password-file passwords.txt
  tenantsweep inspect \"exports/*.csv\" --map Mieter=home_tenant_id

Exit codes:
  0 done   2 wrong use   3 a file could not be read";

pub(super) const COMPACT_EXAMPLES: &str = "\
Examples:
  tenantsweep compact results
  tenantsweep compact results --wait=10m      while another run writes, wait for its end

Exit codes:
  0 done   2 no dataset here, or another run writes   4 the dataset could not be written";

pub(super) const FORGET_EXAMPLES: &str = "\
Examples:
  tenantsweep forget results --tenant 2e9d6f10-b84a-4c63-97d5-08f1a3c7be22
  tenantsweep forget results --tenant 2e9d6f10-b84a-4c63-97d5-08f1a3c7be22 --note \"contract ended\"

Exit codes:
  0 done   2 no dataset here, or another run writes   4 the dataset could not be written";

pub(super) const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  source <(tenantsweep completions bash)
  tenantsweep completions bash > ~/.local/share/bash-completion/completions/tenantsweep
  tenantsweep completions zsh > ~/.zfunc/_tenantsweep        with ~/.zfunc in fpath
  tenantsweep completions fish > ~/.config/fish/completions/tenantsweep.fish
  tenantsweep completions powershell | Out-String | Invoke-Expression

Exit codes:
  0 done   2 no such shell";

pub(super) const MAN_EXAMPLES: &str = "\
Examples:
  tenantsweep man | man -l -                                 read it now
  tenantsweep man ~/.local/share/man/man1                    one page for each subcommand

Exit codes:
  0 done   4 the pages could not be written";

pub(super) const SWEEP_EXAMPLES: &str = "\
Examples:
  tenantsweep sweep sample-logs
  tenantsweep sweep D:\\exports --partner 8f3c52d1-0a1b-4c2d-8e3f-001122334455=Fabrikam
  tenantsweep sweep exports --partners partners.csv --tenants Customers.csv --out results
  tenantsweep sweep exports --out results --fail-on new-block --digest digest --log-file sweeps.log

Exit codes:
  0 done   1 a --fail-on condition is met   2 wrong use   3 an export could not be read, or too many unreadable records
  4 the output could not be written   5 nothing could be judged";

pub(super) const VERIFY_EXAMPLES: &str = "\
Examples:
  tenantsweep verify results
  tenantsweep verify results --inputs                        also reads the exports again
  tenantsweep verify results --inputs --inputs-root E:\\copy

Exit codes:
  0 all is as it should be   1 something is not   2 no dataset here
  3 an export is not there any more, and all else is as it should be";

pub(super) const SHOW_EXAMPLES: &str = "\
Examples:
  tenantsweep show results 6c1e2c1e-7d6f-4f8e-9d57-2f7f0f3b0a00
  tenantsweep show results 6c1e2c1e-7d6f-4f8e-9d57-2f7f0f3b0a00 -o record.json

Exit codes:
  0 done   2 no such sign-in, no dataset   3 the export has changed or is not there";

pub(super) const EXPLAIN_EXAMPLES: &str = "\
Examples:
  tenantsweep explain 53003
  tenantsweep explain AADSTS530034 --in sweep-out
  tenantsweep explain mask:1035
  tenantsweep explain RW.21
  tenantsweep explain \"The provided grant has expired due to it being revoked\"

Exit codes:
  0 done   1 nothing known by that; the nearest is offered   2 wrong use, no dataset";

pub(super) const REPORT_EXAMPLES: &str = "\
Examples:
  tenantsweep report results
  tenantsweep report results --format html -o report.html
  tenantsweep report results --format xlsx -o report.xlsx
  tenantsweep report results --tenant 2e9d6f10-b84a-4c63-97d5-08f1a3c7be22 --format html -o contoso.html
  tenantsweep report results --until 2026-11-15 --format json
  tenantsweep report results --redact --format html -o for-the-vendor.html
  tenantsweep report results --redact --format tickets -o tickets.md

Exit codes:
  0 done   1 a --fail-on condition is met   2 wrong use, no dataset, no such customer
  4 the output could not be written   5 nothing could be judged";

pub(super) const QUERY_EXAMPLES: &str = "\
Examples:
  tenantsweep query results                                    which questions there are
  tenantsweep query results blocking-policies
  tenantsweep query results who-came-in --tenant 2e9d6f10-b84a-4c63-97d5-08f1a3c7be22 --since 2026-11-14
  tenantsweep query results unknown-addresses --known-addresses offices.txt --format csv -o unknown.csv
  tenantsweep query results refused-sign-ins --format timesketch -o timeline.csv
  tenantsweep query results --sql \"SELECT verdict, COUNT(*) AS sign_ins FROM sign_ins GROUP BY verdict\"

The questions stand in queries/*.sql, and give the same rows in DuckDB over the same files. A table
without a column of a filter is seen whole: the list of files has no accounts.

Exit codes:
  0 done   2 wrong use, no dataset, no SQL   4 the output could not be written";
pub(super) const SCHEMA_EXAMPLES: &str = "\
Examples:
  tenantsweep schema summary -o summary.schema.json
  tenantsweep schema dataset
  tenantsweep schema dataset --format json

Exit codes:
  0 done   2 wrong use   4 the output could not be written";

pub(super) const COMPARE_EXAMPLES: &str = "\
Examples:
  tenantsweep compare sweep-monday sweep-friday
  tenantsweep compare results --at 2026-11-20T14:00:00Z      a policy was changed then: did it help?
  tenantsweep compare results --old 2026-11-01..2026-11-08 --new 2026-11-15..
  tenantsweep compare results --old ..2026-11-15             as it stood then, and all there is now
  tenantsweep compare monday friday --fail-on new-block --format json -o changes.json

Resolved is only what got in where it was blocked: the same account with the same app, tried again
after the last block. A log that ends earlier, or that could not show a block, resolves nothing.

Exit codes:
  0 done   1 a --fail-on condition is met   2 wrong use, or no dataset in a folder
  4 the output could not be written   5 nothing could be judged on one side";
