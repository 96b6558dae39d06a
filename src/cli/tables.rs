//! Flags of every command that reads tables: what their columns hold.

use chrono::FixedOffset;
use clap::Args;
use tenantsweep::dialect::{MappedColumn, TableOptions};
use tenantsweep::time::DateOrder;

use super::values::parse_offset;

#[derive(Debug, Args)]
#[command(next_help_heading = "Tables")]
pub struct TableArgs {
    /// What a column of a CSV holds whose name is not known, such as `Mieter=home_tenant_id`
    /// (may be given several times)
    #[arg(long, value_name = "COLUMN=FIELD", value_parser = MappedColumn::parse)]
    pub map: Vec<MappedColumn>,
    /// The zone of columns in local time (`TimeGenerated [Local Time]`)
    #[arg(long, value_name = "OFFSET", value_parser = parse_offset, allow_hyphen_values = true)]
    pub utc_offset: Option<FixedOffset>,
    /// Which stands first in dates such as 3/12/2026, where a file does not tell by itself
    #[arg(long, value_enum, value_name = "ORDER")]
    pub date_order: Option<Order>,
}

/// Which of the first two numbers of a date is the month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Order {
    MonthFirst,
    DayFirst,
}

impl TableArgs {
    pub fn options(&self) -> TableOptions {
        TableOptions {
            mapped: self.map.clone(),
            local_zone: self.utc_offset,
            date_order: self.date_order.map(|order| match order {
                Order::MonthFirst => DateOrder::MonthFirst,
                Order::DayFirst => DateOrder::DayFirst,
            }),
        }
    }
}
