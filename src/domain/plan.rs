//! Plans: the limits that are sold, and which events each meter counts.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Deserializer};

use super::event::EventType;
use super::meter::Period;
use super::subscription::Subscription;

/// The count of all events of a tenant in a month. Not a meter that a configuration can name.
pub const EVENTS: &str = "events";
/// The count of all API requests of a tenant in a month.
pub const REQUESTS: &str = "requests";
/// The most meters that a deployment can have.
pub const METERS_MAX: usize = 16;

/// So many, or as many as they like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// No end.
    Unlimited,
    /// Not one more.
    AtMost(u64),
}

impl Limit {
    /// As the API shows it: -1 is no end.
    #[must_use]
    pub fn as_number(self) -> i64 {
        match self {
            Self::Unlimited => -1,
            Self::AtMost(most) => i64::try_from(most).unwrap_or(i64::MAX),
        }
    }

    /// Whether there is no end.
    #[must_use]
    pub const fn is_unlimited(self) -> bool {
        matches!(self, Self::Unlimited)
    }

    /// Whether one more would be too many when there are so many.
    #[must_use]
    pub fn is_reached(self, count: u64) -> bool {
        match self {
            Self::Unlimited => false,
            Self::AtMost(most) => count >= most,
        }
    }

    /// The smaller of this and a bound that holds for everybody.
    #[must_use]
    pub fn capped(self, bound: u64) -> u64 {
        match self {
            Self::Unlimited => bound,
            Self::AtMost(most) => most.min(bound),
        }
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match i64::deserialize(deserializer)? {
            -1 => Ok(Self::Unlimited),
            number => u64::try_from(number)
                .map(Self::AtMost)
                .map_err(|_| serde::de::Error::custom("a limit is -1 (unlimited) or a whole number from 0")),
        }
    }
}

/// The limits of one plan.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each is commented in config/plans.toml")]
pub struct Plan {
    pub requests_per_hour: Limit,
    pub requests_per_month: Limit,
    pub events_per_month: Limit,
    pub webhooks: Limit,
    pub event_data_bytes: Limit,
    pub webhook_concurrency: Limit,
    #[serde(default = "unlimited")]
    pub webhook_rate: Limit,
    #[serde(default = "unlimited", deserialize_with = "days")]
    pub retention_days: Limit,
    #[serde(default)]
    pub fairness_weight: Weight,
    #[serde(default)]
    pub per_minute: BTreeMap<String, Limit>,
}

const fn unlimited() -> Limit {
    Limit::Unlimited
}

/// What is kept for no day could not even be delivered.
fn days<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Limit, D::Error> {
    match Limit::deserialize(deserializer)? {
        Limit::AtMost(0) => Err(serde::de::Error::custom("retention_days is -1 (as the deployment) or from 1")),
        limit @ (Limit::AtMost(_) | Limit::Unlimited) => Ok(limit),
    }
}

/// How large a tenant's share is while others want one too, beside a weight of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weight(u32);

impl Weight {
    /// The largest.
    pub const MAX: u32 = 100;

    /// As a number, from 1.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl Default for Weight {
    fn default() -> Self {
        Self(1)
    }
}

impl<'de> Deserialize<'de> for Weight {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let weight = u32::deserialize(deserializer)?;
        if (1..=Self::MAX).contains(&weight) {
            Ok(Self(weight))
        } else {
            Err(serde::de::Error::custom("fairness_weight is a whole number from 1 to 100"))
        }
    }
}

impl Plan {
    /// What the plan allows of a count in a period.
    #[must_use]
    pub fn limit_of(&self, meter: &str, period: Period) -> Limit {
        match (period, meter) {
            (Period::Minute, meter) => self.per_minute.get(meter).copied().unwrap_or(Limit::Unlimited),
            (Period::Month, EVENTS) => self.events_per_month,
            (Period::Month, REQUESTS) => self.requests_per_month,
            (Period::Month, _) => Limit::Unlimited,
        }
    }
}

/// What is counted of events: those whose type matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meter {
    /// Its name.
    pub name: Arc<str>,
    counts: Subscription,
}

/// Every plan and meter of a deployment.
#[derive(Debug, Clone, PartialEq)]
pub struct Plans {
    meters: Vec<Meter>,
    by_name: HashMap<String, Arc<Plan>>,
    default: Arc<Plan>,
    events: Arc<str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    default_plan: String,
    meters: BTreeMap<String, Vec<String>>,
    plans: BTreeMap<String, toml::Table>,
}

impl Plans {
    /// Reads the text of a plans file.
    ///
    /// # Errors
    /// With every problem, one to a line.
    pub fn parse(text: &str) -> Result<Self, String> {
        let File { default_plan, meters, plans: entries } =
            toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
        let mut problems = Vec::new();
        let mut plans: HashMap<String, Arc<Plan>> = HashMap::new();
        let (aliases, own): (Vec<_>, Vec<_>) =
            entries.into_iter().partition(|(_, table)| table.contains_key("same_as"));
        for (name, table) in own {
            match table.try_into::<Plan>() {
                Ok(plan) => {
                    let unknown = plan.per_minute.keys().filter(|meter| !meters.contains_key(*meter));
                    problems.extend(unknown.map(|m| format!("plans.{name}.per_minute.{m}: there is no such meter")));
                    plans.insert(name, Arc::new(plan));
                }
                Err(error) => problems.push(format!("plans.{name}: {}", error.message())),
            }
        }
        for (name, table) in aliases {
            let same = table["same_as"].as_str().and_then(|other| plans.get(other)).cloned();
            match same.filter(|_| table.len() == 1) {
                Some(plan) => drop(plans.insert(name, plan)),
                None => problems.push(format!("plans.{name}.same_as: must name a plan with limits, and stand alone")),
            }
        }
        let meters = read_meters(meters, &mut problems);
        let default = plans.get(&default_plan).cloned();
        if default.is_none() {
            problems.push(format!("default_plan: there is no plan `{default_plan}`"));
        }
        match default {
            Some(default) if problems.is_empty() => Ok(Self { meters, by_name: plans, default, events: EVENTS.into() }),
            Some(_) | None => Err(problems.join("\n")),
        }
    }

    /// The plan of a name; the default where there is none.
    #[must_use]
    pub fn get(&self, name: &str) -> &Arc<Plan> {
        self.by_name.get(name).unwrap_or(&self.default)
    }

    /// Whether there is a plan of that name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    /// The names of all plans, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.by_name.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }

    /// The meters, sorted by name.
    #[must_use]
    pub fn meters(&self) -> &[Meter] {
        &self.meters
    }

    /// What one event of a type counts on.
    pub fn counts_of(&self, event_type: &EventType) -> impl Iterator<Item = (&Arc<str>, Period)> {
        let metered = self.meters.iter().filter(|meter| meter.counts.matches(event_type));
        metered.map(|meter| (&meter.name, Period::Minute)).chain([(&self.events, Period::Month)])
    }
}

fn read_meters(meters: BTreeMap<String, Vec<String>>, problems: &mut Vec<String>) -> Vec<Meter> {
    if meters.len() > METERS_MAX {
        problems.push(format!("meters: at most {METERS_MAX} are possible"));
    }
    let mut read = Vec::with_capacity(meters.len());
    for (name, patterns) in meters {
        if name == EVENTS || name == REQUESTS {
            problems.push(format!("meters.{name}: this name is taken"));
        }
        match Subscription::parse(&patterns) {
            Ok(counts) => read.push(Meter { name: name.into(), counts }),
            Err(error) => problems.push(format!("meters.{name}: {error}")),
        }
    }
    read
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: &str = "requests_per_hour = 1\nrequests_per_month = 2\nevents_per_month = -1\nwebhooks = 4\n\
        event_data_bytes = 5\nwebhook_concurrency = 7\n";

    fn parse(rest: &str) -> Result<Plans, String> {
        Plans::parse(&format!("default_plan = \"a\"\n[meters]\nm = [\"x.*\"]\n[plans.a]\n{LIMITS}{rest}"))
    }

    #[test]
    fn a_plan_can_be_the_same_as_another() {
        let plans = parse("per_minute = { m = 3 }\n[plans.b]\nsame_as = \"a\"").unwrap();
        assert_eq!(plans.get("b"), plans.get("a"));
        assert_eq!(plans.get("gone"), plans.get("a"));
        assert_eq!((plans.has("gone"), plans.names()), (false, vec!["a", "b"]));
        assert_eq!(plans.get("b").limit_of("m", Period::Minute), Limit::AtMost(3));
        assert_eq!(plans.get("b").limit_of("other", Period::Minute), Limit::Unlimited);
        assert_eq!(plans.get("b").limit_of(EVENTS, Period::Month), Limit::Unlimited);
    }

    #[test]
    fn an_event_counts_on_its_meters_and_on_the_month() {
        let plans = parse("").unwrap();
        let counts = |text| {
            let event_type = EventType::parse(text).unwrap();
            plans.counts_of(&event_type).map(|(name, _)| name.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(counts("x.y"), ["m", "events"]);
        assert_eq!(counts("y.x"), ["events"]);
    }

    #[test]
    fn every_mistake_is_told() {
        for (rest, words) in [
            ("per_minute = { n = 3 }", "plans.a.per_minute.n: there is no such meter"),
            ("[plans.b]\nsame_as = \"c\"", "plans.b.same_as: must name a plan"),
            ("[plans.b]\nsame_as = \"a\"\nwebhooks = 1", "stand alone"),
            ("[plans.b]\nwebhooks = 1", "plans.b: missing field"),
            ("fairness_weight = 0", "plans.a: fairness_weight is"),
            ("fairness_weight = 101", "plans.a: fairness_weight is"),
            ("retention_days = 0", "plans.a: retention_days is"),
            ("[plans.b]\nwebhooks = -2", "plans.b: a limit is -1"),
        ] {
            let error = parse(rest).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
        let usual = parse("").unwrap();
        assert_eq!((usual.get("a").fairness_weight.get(), usual.get("a").retention_days), (1, Limit::Unlimited));
        assert!(
            Plans::parse("default_plan = \"a\"\n[meters]\nevents = [\"*\"]\n[plans]").unwrap_err().contains("taken")
        );
    }

    #[test]
    fn a_limit_is_a_number_or_no_end() {
        assert_eq!((Limit::Unlimited.as_number(), Limit::AtMost(3).as_number()), (-1, 3));
        assert!(Limit::AtMost(3).is_reached(3) && !Limit::AtMost(3).is_reached(2) && !Limit::Unlimited.is_reached(9));
        assert_eq!((Limit::Unlimited.capped(7), Limit::AtMost(3).capped(7), Limit::AtMost(9).capped(7)), (7, 3, 7));
    }
}
