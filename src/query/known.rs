//! The addresses that the user knows to be their own.

use std::net::IpAddr;

/// Addresses and ranges of addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownAddresses(Vec<Range>);

/// The addresses that share their first bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Range {
    address: IpAddr,
    bits: u32,
}

impl KnownAddresses {
    /// Reads a list: one address or range (`203.0.113.0/24`) a line, or in the first cell of a
    /// line of CSV; blank lines, a header and what stands behind `#` are passed over.
    ///
    /// # Errors
    /// A line that is neither, with its number.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut ranges = Vec::new();
        for (number, line) in text.trim_start_matches('\u{FEFF}').lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default();
            let cell = line.split([',', ';', '\t']).next().unwrap_or_default();
            let cell = cell.trim().trim_matches('"');
            match Range::parse(cell) {
                Some(range) => ranges.push(range),
                None if cell.is_empty() => {}
                // The first line may name the columns.
                None if number == 0 && !cell.starts_with(|c: char| c.is_ascii_digit()) => {}
                None => {
                    return Err(format!(
                        "line {}: `{cell}` is neither an address nor a range such as \
                         203.0.113.0/24",
                        number + 1
                    ));
                }
            }
        }
        Ok(Self(ranges))
    }

    pub fn holds(&self, address: IpAddr) -> bool {
        self.0.iter().any(|range| range.holds(address))
    }
}

impl Range {
    fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse().ok()?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(width);
        (bits <= width).then_some(Self { address, bits })
    }

    fn holds(self, address: IpAddr) -> bool {
        let differ = match (self.address, address.to_canonical()) {
            (IpAddr::V4(mine), IpAddr::V4(other)) => {
                u128::from(mine.to_bits() ^ other.to_bits()) << 96
            }
            (IpAddr::V6(mine), IpAddr::V6(other)) => mine.to_bits() ^ other.to_bits(),
            _ => return false,
        };
        differ.leading_zeros() >= self.bits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_ranges_are_known() {
        let text = "address,what\n203.0.113.0/24, office # Berlin\n\n198.51.100.7\n2001:db8::/32\n";
        let known = KnownAddresses::parse(text).expect("a list");
        for (address, is_known) in [
            ("203.0.113.255", true),
            ("203.0.114.0", false),
            ("198.51.100.7", true),
            ("198.51.100.8", false),
            ("2001:db8:ffff::1", true),
            ("2001:db9::1", false),
            ("::ffff:203.0.113.9", true),
        ] {
            assert_eq!(known.holds(address.parse().expect(address)), is_known, "{address}");
        }
        let everything = KnownAddresses::parse("0.0.0.0/0").expect("a range");
        assert!(everything.holds("255.1.2.3".parse().expect("an address")));
    }

    #[test]
    fn a_line_that_is_no_address_is_named() {
        for (text, line) in [("10.0.0.0/33", "line 1"), ("10.0.0.1\nhome\n", "line 2: `home`")] {
            let error = KnownAddresses::parse(text).expect_err(text);
            assert!(error.starts_with(line), "{error}");
        }
    }
}
