//! Whether a queue makes sense: what the types cannot say.

use std::collections::HashSet;
use std::fmt;

use super::filter::listed;
use super::{
    ExpansionStep, Filters, LatencyBound, MAX_SERVER_LABELS, QueueDefinition, RatingWindow, Region, is_label, is_name,
};
use crate::wire::FieldError;

/// How many regions a queue has at most.
pub const MAX_REGIONS: usize = 16;

/// How many roles a queue has at most.
pub const MAX_ROLES: usize = 8;

/// How many steps a rating window, a latency bound or an expansion has at most.
pub const MAX_STEPS: usize = 16;

/// How many players a team has at most, and so a party.
pub const MAX_PARTY: usize = 16;

/// How many teams a match has at most.
const MAX_TEAMS: usize = 16;

/// How many players a match has at most.
pub const MAX_MATCH_PLAYERS: usize = 128;

/// How many properties a queue declares at most.
pub const MAX_PROPERTIES: usize = 16;

/// How many filters a queue has at most.
pub const MAX_FILTERS: usize = 8;

/// One day. Longer is surely a mistake.
const MAX_SECS: u32 = 86_400;

/// Why a queue definition makes no sense: every field with a value that is not allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidQueue(pub Vec<FieldError>);

impl fmt::Display for InvalidQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{}: {}", error.path, error.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for InvalidQueue {}

impl QueueDefinition {
    /// Reads a definition as people write it, and checks it.
    ///
    /// # Errors
    /// The first field that is missing, unknown or of another type; else everything that [`QueueDefinition::validate`] finds.
    pub fn from_json(value: &serde_json::Value) -> Result<Self, InvalidQueue> {
        let queue: Self =
            serde_path_to_error::deserialize(value).map_err(|error| InvalidQueue(vec![unread(&error)]))?;
        queue.validate()?;
        Ok(queue)
    }

    /// Checks what the types cannot.
    ///
    /// # Errors
    /// Everything that makes no sense: each with the path of its field (`regions[2].latency.steps[0].max_ms`) and what is allowed
    /// there.
    pub fn validate(&self) -> Result<(), InvalidQueue> {
        let mut faults = Faults::default();
        faults.name("name", &self.name, 64);
        faults.require(self.version > 0, "version", "has to be at least 1");
        self.check_teams(&mut faults);
        self.check_roles(&mut faults);
        self.rating_window.check(&mut faults);
        self.check_regions(&mut faults);
        self.check_party(&mut faults);
        self.check_filters(&mut faults);
        let avoid = self.avoid_recent_opponents_secs.is_none_or(|secs| (1..=MAX_SECS).contains(&secs));
        faults.require(avoid, "avoid_recent_opponents_secs", format!("has to be 1 to {MAX_SECS}, or absent"));
        self.check_expansion(&mut faults);
        let within = self.acceptance.is_none_or(|acceptance| (3..=120).contains(&acceptance.within_secs));
        faults.require(within, "acceptance.within_secs", "has to be 3 to 120");
        faults.require(self.max_wait_secs != Some(0), "max_wait_secs", "has to be at least 1, or absent");
        self.check_servers(&mut faults);
        self.check_mode(&mut faults);
        if faults.0.is_empty() { Ok(()) } else { Err(InvalidQueue(faults.0)) }
    }

    fn check_teams(&self, faults: &mut Faults) {
        let count = usize::from(self.teams.count);
        let (min, max) = (usize::from(self.teams.size.min), usize::from(self.teams.size.max));
        faults.require((1..=MAX_TEAMS).contains(&count), "teams.count", format!("has to be 1 to {MAX_TEAMS}"));
        faults.require((1..=MAX_PARTY).contains(&min), "teams.size.min", format!("has to be 1 to {MAX_PARTY}"));
        faults.require((1..=MAX_PARTY).contains(&max), "teams.size.max", format!("has to be 1 to {MAX_PARTY}"));
        faults.require(min <= max, "teams.size.max", "has to be at least `teams.size.min`");
        let message = format!("a match has at most {MAX_MATCH_PLAYERS} players, not {count} times {max}");
        faults.require(count * max <= MAX_MATCH_PLAYERS, "teams", message);
        let alone = count == 1 && min == 1;
        faults.require(!alone, "teams.size.min", "has to be at least 2 when there is one team: nobody plays alone");
    }

    fn check_roles(&self, faults: &mut Faults) {
        faults.require(self.roles.len() <= MAX_ROLES, "roles", format!("has at most {MAX_ROLES}"));
        faults.names("roles", self.roles.iter().map(|role| &role.name));
        for (index, role) in self.roles.iter().enumerate() {
            faults.require(role.count > 0, format!("roles[{index}].count"), "has to be at least 1");
        }
        if self.roles.is_empty() {
            return;
        }
        let (size, places) = (self.teams.size, self.roles.iter().map(|role| u32::from(role.count)).sum::<u32>());
        faults.require(
            size.min == size.max,
            "teams.size.min",
            "has to be `teams.size.max` when there are roles: a team is then always complete",
        );
        faults.require(
            places == u32::from(size.max),
            "roles",
            format!("their counts have to add up to `teams.size.max`, {}, not to {places}", size.max),
        );
    }

    fn check_regions(&self, faults: &mut Faults) {
        faults.require(self.regions.len() <= MAX_REGIONS, "regions", format!("has at most {MAX_REGIONS}"));
        faults.names("regions", self.regions.iter().map(|region| &region.name));
        for (index, Region { group, latency, .. }) in self.regions.iter().enumerate() {
            faults.name(format!("regions[{index}].group"), group, 32);
            if let Some(latency) = latency {
                latency.check(&format!("regions[{index}].latency"), faults);
            }
        }
    }

    fn check_party(&self, faults: &mut Faults) {
        let size = self.teams.size.max;
        let max_size = self.party.max_size.is_none_or(|max_size| (1..=size).contains(&max_size));
        faults.require(max_size, "party.max_size", format!("has to be 1 to `teams.size.max`, {size}, or absent"));
        let alike = self.party.alike_first_secs.is_none_or(|secs| (1..=MAX_SECS).contains(&secs));
        faults.require(alike, "party.alike_first_secs", format!("has to be 1 to {MAX_SECS}, or absent"));
    }

    fn check_filters(&self, faults: &mut Faults) {
        faults.require(self.properties.len() <= MAX_PROPERTIES, "properties", format!("has at most {MAX_PROPERTIES}"));
        for name in self.properties.keys() {
            let allowed = (1..=32).contains(&name.len())
                && name.starts_with(|first: char| first.is_ascii_lowercase())
                && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
            let message = "the name of a property has 1 to 32 of a-z, 0-9 and `_`, and starts with a letter";
            faults.require(allowed, format!("properties.{name}"), message);
        }
        faults.require(self.filters.len() <= MAX_FILTERS, "filters", format!("has at most {MAX_FILTERS}"));
        faults.names("filters", self.filters.iter().map(|filter| &filter.name));
        if let Err(rules) = Filters::compile(self) {
            faults.0.extend(rules);
        }
    }

    fn check_expansion(&self, faults: &mut Faults) {
        faults.require(self.expansion.len() <= MAX_STEPS, "expansion", format!("has at most {MAX_STEPS} steps"));
        let mut dropped: HashSet<&str> = HashSet::new();
        let mut smallest = self.teams.size.min;
        for (index, step) in self.expansion.iter().enumerate() {
            let path = format!("expansion[{index}]");
            let later = index == 0 || self.expansion[index - 1].after_secs < step.after_secs;
            faults.require(later, format!("{path}.after_secs"), "has to be later than the step before it");
            let nothing = ExpansionStep { after_secs: step.after_secs, ..ExpansionStep::default() };
            faults.require(
                *step != nothing,
                path.as_str(),
                "has to give something up: `drop_filters`, `min_team_size` or `recent_opponents`",
            );
            for (place, name) in step.drop_filters.iter().enumerate() {
                let path = format!("{path}.drop_filters[{place}]");
                let known = self.filters.iter().any(|filter| filter.name == *name);
                let message = match self.filters.as_slice() {
                    [] => "the queue has no filters".to_owned(),
                    filters => format!("has to be one of {}", listed(filters.iter().map(|filter| &filter.name))),
                };
                faults.require(known, path.as_str(), message);
                faults.require(dropped.insert(name), path.as_str(), "is dropped already");
            }
            if let Some(min) = step.min_team_size {
                let path = format!("{path}.min_team_size");
                faults.require(self.roles.is_empty(), path.as_str(), "has to be absent when there are roles");
                faults.require(
                    (1..smallest).contains(&min),
                    path.as_str(),
                    "has to be at least 1, and less than `teams.size.min` and than in the steps before",
                );
                smallest = smallest.min(min);
            }
            faults.require(
                !step.recent_opponents || self.avoid_recent_opponents_secs.is_some(),
                format!("{path}.recent_opponents"),
                "has to be absent when `avoid_recent_opponents_secs` is",
            );
        }
    }

    fn check_servers(&self, faults: &mut Faults) {
        let Some(servers) = &self.servers else { return };
        let printable = "has to be 1 to 64 printable characters";
        faults.require(servers.build.as_deref().is_none_or(is_label), "servers.build", printable);
        let labels = servers.labels.iter().all(|(name, value)| is_label(name) && is_label(value));
        faults.require(labels, "servers.labels", printable);
        let few = servers.labels.len() <= MAX_SERVER_LABELS;
        faults.require(few, "servers.labels", format!("has at most {MAX_SERVER_LABELS}"));
    }

    /// The built-in game is played by two, nobody joins it later, and it needs no server of its own.
    fn check_mode(&self, faults: &mut Faults) {
        let Some(mode) = self.mode else { return };
        let (teams, size) = (self.teams, self.teams.size);
        let duel = teams.count == 2 && size.min == 1 && size.max == 1;
        faults.require(duel, "teams", format!("has to be 2 teams of 1 when `mode` is {mode}"));
        faults.require(self.roles.is_empty(), "roles", format!("has to be absent when `mode` is {mode}"));
        faults.require(!self.backfill, "backfill", format!("has to be false when `mode` is {mode}"));
        faults.require(self.servers.is_none(), "servers", format!("has to be absent when `mode` is {mode}"));
    }
}

impl RatingWindow {
    fn check(&self, faults: &mut Faults) {
        let after = self.steps.iter().map(|step| step.after_secs);
        let widths = self.steps.iter().map(|step| step.window);
        faults.steps("rating_window", "window", self.start, after.zip(widths));
    }
}

impl LatencyBound {
    fn check(&self, path: &str, faults: &mut Faults) {
        let after = self.steps.iter().map(|step| step.after_secs);
        let bounds = self.steps.iter().map(|step| step.max_ms.map(u32::from));
        faults.steps(path, "max_ms", self.start_ms.map(u32::from), after.zip(bounds));
    }
}

/// What has been found so far.
#[derive(Default)]
struct Faults(Vec<FieldError>);

impl Faults {
    fn require(&mut self, holds: bool, path: impl Into<String>, message: impl Into<String>) {
        if !holds {
            self.0.push(FieldError::new(path, message));
        }
    }

    fn name(&mut self, path: impl Into<String>, name: &str, max: usize) {
        self.require(is_name(name, max), path, format!("has to be 1 to {max} of a-z, 0-9 and `-`"));
    }

    /// Valid names, each once.
    fn names<'a>(&mut self, list: &str, names: impl Iterator<Item = &'a String>) {
        let mut seen = HashSet::new();
        for (index, name) in names.enumerate() {
            let path = format!("{list}[{index}].name");
            self.name(path.as_str(), name, 32);
            self.require(seen.insert(name), path, format!("`{name}` is there already"));
        }
    }

    /// Steps (after so many seconds, so much; none is any) that are later and no narrower, each than the one before it.
    fn steps(
        &mut self,
        path: &str,
        value: &str,
        start: Option<u32>,
        steps: impl ExactSizeIterator<Item = (u32, Option<u32>)>,
    ) {
        self.require(steps.len() <= MAX_STEPS, format!("{path}.steps"), format!("has at most {MAX_STEPS}"));
        let (mut earlier, mut narrower) = (None, start);
        for (index, (after_secs, width)) in steps.enumerate() {
            let later = earlier.is_none_or(|earlier| earlier < after_secs);
            let message = "has to be later than the step before it";
            self.require(later, format!("{path}.steps[{index}].after_secs"), message);
            let wide = match (narrower, width) {
                (_, None) => true,
                (None, Some(_)) => false,
                (Some(narrower), Some(width)) => width >= narrower,
            };
            let message = match narrower {
                Some(narrower) => format!("has to be at least {narrower}, as before it, or null for any"),
                None => "has to be null: any is allowed before it".to_owned(),
            };
            self.require(wide, format!("{path}.steps[{index}].{value}"), message);
            (earlier, narrower) = (Some(after_secs), width);
        }
    }
}

/// What serde says, for a person: the path of the field itself, and no names of types.
fn unread(error: &serde_path_to_error::Error<serde_json::Error>) -> FieldError {
    let (path, message) = (error.path().to_string(), error.inner().to_string());
    let path = if path == "." { String::new() } else { path };
    if let Some(name) = message.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
        let path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        return FieldError::new(path, "is required");
    }
    if message.starts_with("unknown field `") {
        let known = message.split_once(", expected ").map_or("none", |(_, known)| known);
        let known = known.trim_start_matches("one of ");
        return FieldError::new(path, format!("is not known; known are {known}"));
    }
    let whole = [("u8", "255"), ("u16", "65535"), ("u32", "4294967295")].into_iter().find_map(|(name, max)| {
        let found = message.strip_suffix(&format!(", expected {name}"))?;
        Some(format!("{found}, expected a whole number from 0 to {max}"))
    });
    FieldError::new(path, whole.unwrap_or(message))
}

#[cfg(test)]
#[path = "validate_tests.rs"]
mod tests;
