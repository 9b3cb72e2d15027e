//! Whoever else wants the operator's own objects otherwise is put right, and not fought over at full speed.

use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;

use super::Key;

/// Times that one object is put right within [`WITHIN`].
const MOST: u32 = 5;
/// How long a correction is remembered.
const WITHIN: Duration = Duration::from_secs(10);
/// Objects whose corrections are remembered.
const REMEMBERED: usize = 10_000;

/// How often objects were put right of late.
#[derive(Default)]
pub struct Fights(HashMap<Key, (Instant, u32)>);

impl Fights {
    /// Whether `key` may be put right once more now.
    pub fn may_correct(&mut self, key: &Key, now: Instant) -> bool {
        if self.0.len() >= REMEMBERED {
            self.0.retain(|_, (since, _)| now.duration_since(*since) < WITHIN);
        }
        if self.0.len() >= REMEMBERED {
            self.0.clear();
        }
        let (since, times) = self.0.entry(key.clone()).or_insert((now, 0));
        if now.duration_since(*since) >= WITHIN {
            (*since, *times) = (now, 0);
        }
        *times += 1;
        *times <= MOST
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::objects::Kind;

    #[test]
    fn a_correction_is_allowed_again_after_a_while() {
        let key = |name: &str| (Kind::Deployment, "a".into(), name.into());
        let (mut fights, began) = (Fights::default(), Instant::now());
        let allowed = (0..20).filter(|_| fights.may_correct(&key("one"), began)).count();
        assert_eq!(allowed, 5);
        assert!(fights.may_correct(&key("other"), began));
        assert!(fights.may_correct(&key("one"), began + WITHIN));
    }
}
