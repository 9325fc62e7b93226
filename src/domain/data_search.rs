//! A search in the data of events: a field, and the value that it has.

use serde_json::Value;

/// The most characters of a search.
pub const SEARCH_CHARS_MAX: usize = 300;
/// The most steps from the data to the field.
pub const STEPS_MAX: usize = 16;

/// A field of the data, and its value as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataSearch {
    steps: Vec<String>,
    value: String,
}

/// A text that is no search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a field and its value, such as `customer.id:42`, of at most {SEARCH_CHARS_MAX} characters")]
pub struct InvalidSearch;

impl DataSearch {
    /// Reads a search such as `customer.id:42`.
    ///
    /// # Errors
    /// When it has no field, or is too long.
    pub fn parse(text: &str) -> Result<Self, InvalidSearch> {
        let (path, value) = text.split_once(':').ok_or(InvalidSearch)?;
        let steps: Vec<String> = path.split('.').map(str::to_owned).collect();
        let fits = text.chars().count() <= SEARCH_CHARS_MAX && steps.len() <= STEPS_MAX;
        let is_path = steps.iter().all(|step| !step.is_empty());
        if fits && is_path { Ok(Self { steps, value: value.to_owned() }) } else { Err(InvalidSearch) }
    }

    /// Whether data has the field with the value: a text that is equal, or a number, a truth value or null that is
    /// written so. A list has what one of its entries has.
    #[must_use]
    pub fn finds(&self, data: &[u8]) -> bool {
        serde_json::from_slice::<Value>(data).is_ok_and(|data| self.is_in(&data, &self.steps))
    }

    fn is_in(&self, value: &Value, steps: &[String]) -> bool {
        match (value, steps) {
            (Value::Array(entries), _) => entries.iter().any(|entry| self.is_in(entry, steps)),
            (Value::Object(fields), [first, rest @ ..]) => {
                fields.get(first).is_some_and(|field| self.is_in(field, rest))
            }
            (Value::String(text), []) => *text == self.value,
            (Value::Null, []) => self.value == "null",
            (Value::Bool(truth), []) => self.value == if *truth { "true" } else { "false" },
            (Value::Number(number), []) => self.value == number.to_string(),
            (Value::Object(_), []) | (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_), [_, ..]) => {
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_by_its_value() {
        let data =
            br#"{"customer":{"id":42,"name":"Ada: the first"},"paid":true,"items":[{"sku":"a"},{"sku":"b"}],"x":null}"#;
        let finds = |text: &str| DataSearch::parse(text).unwrap().finds(data);
        for yes in ["customer.id:42", "customer.name:Ada: the first", "paid:true", "items.sku:b", "x:null"] {
            assert!(finds(yes), "{yes}");
        }
        for no in ["customer.id:4", "customer:42", "id:42", "items.sku:c", "customer.id.x:42", "paid:True"] {
            assert!(!finds(no), "{no}");
        }
        assert!(!DataSearch::parse("a:1").unwrap().finds(b"not json"));
    }

    #[test]
    fn what_is_no_search_is_refused() {
        let long = format!("a:{}", "x".repeat(SEARCH_CHARS_MAX));
        for bad in ["", "a", ":1", "a..b:1", ".a:1", &long, &format!("{}a:1", "a.".repeat(STEPS_MAX))] {
            assert_eq!(DataSearch::parse(bad), Err(InvalidSearch), "{bad}");
        }
    }
}
