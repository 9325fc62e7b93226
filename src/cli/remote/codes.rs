//! HTTP statuses as people write them: one, or a class.

/// HTTP statuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Codes {
    pub(super) first: u16,
    pub(super) last: u16,
}

impl Codes {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let class = text.strip_suffix("xx").and_then(|digit| digit.parse::<u16>().ok());
        match (class, text.parse::<u16>().ok()) {
            (Some(class @ 1..=5), _) => Ok(Self { first: class * 100, last: class * 100 + 99 }),
            (None, Some(code @ 100..=599)) => Ok(Self { first: code, last: code }),
            _ => Err("must be a status such as 503, or a class such as 5xx".to_owned()),
        }
    }

    pub(super) fn has(self, code: Option<u16>) -> bool {
        code.is_some_and(|code| (self.first..=self.last).contains(&code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_one_or_a_class() {
        let five_hundreds = Codes::parse("5xx").expect("a class");
        assert!(five_hundreds.has(Some(503)) && !five_hundreds.has(Some(404)) && !five_hundreds.has(None));
        assert_eq!(Codes::parse("404"), Ok(Codes { first: 404, last: 404 }));
        assert!(["6xx", "xx", "99", "600", "4x", ""].iter().all(|bad| Codes::parse(bad).is_err()));
    }
}
