//! One against one: the oldest first, each with the nearest rating that both allow.

use super::round::{MAX_REFUSED, Round, Rules};

/// The best so far: how far away, and where.
type Best = Option<(f64, usize)>;

impl Round {
    /// Pairs of places, the older ticket first.
    pub fn pair_up(&mut self, rules: &Rules<'_>, pairs: &mut Vec<(usize, usize)>) {
        pairs.clear();
        for index in 0..self.oldest_first.len() {
            let place = self.oldest_first[index] as usize;
            if !self.taken[place]
                && let Some(other) = self.nearest(rules, place)
            {
                self.take(place);
                self.take(other);
                pairs.push((place, other));
            }
        }
    }

    /// Who is nearest, class by class; of two at the same distance, who goes first.
    fn nearest(&mut self, rules: &Rules<'_>, place: usize) -> Option<usize> {
        let mut best: Best = None;
        for class in 0..self.free.classes() {
            let key = self.free.key(class);
            if rules.regional && key.regions & self.regions[place] == 0 {
                continue;
            }
            let split = self.free.split(class, place);
            best = self.nearest_above(rules, place, (class, split), best);
            best = self.nearest_below(rules, place, (class, split), best);
        }
        best.map(|(_, other)| other)
    }

    fn nearest_above(&mut self, rules: &Rules<'_>, place: usize, (class, split): (usize, u32), mut best: Best) -> Best {
        let mut next = split;
        for _ in 0..MAX_REFUSED {
            let Some(index) = self.free.at_or_after(class, next) else { break };
            next = index + 1;
            let other = self.free.place(index);
            if other == place {
                continue;
            }
            match self.compare(rules, place, other, best) {
                Verdict::TooFar => break,
                Verdict::Better(distance) => {
                    best = Some((distance, other));
                    break;
                }
                Verdict::NotBetter => break,
                Verdict::Refused => {}
            }
        }
        best
    }

    /// The nearest below has the highest rating; of those who share it, the first member of its class goes first.
    fn nearest_below(&mut self, rules: &Rules<'_>, place: usize, (class, split): (usize, u32), mut best: Best) -> Best {
        let mut refused = 0;
        let mut end = split;
        while let Some(last) = self.free.before(class, end) {
            end = self.free.group(last);
            let mut next = end;
            while let Some(index) = self.free.at_or_after(class, next).filter(|index| *index <= last) {
                next = index + 1;
                let other = self.free.place(index);
                match self.compare(rules, place, other, best) {
                    Verdict::TooFar | Verdict::NotBetter => return best,
                    Verdict::Better(distance) => {
                        best = Some((distance, other));
                        return best;
                    }
                    Verdict::Refused => refused += 1,
                }
                if refused == MAX_REFUSED {
                    return best;
                }
            }
        }
        best
    }

    fn compare(&self, rules: &Rules<'_>, place: usize, other: usize, best: Best) -> Verdict {
        let distance = (self.ratings[place] - self.ratings[other]).abs();
        let width = self.stage(rules, place).width.min(self.stage(rules, other).width);
        let further = best.is_some_and(|(least, _)| distance > least);
        if distance > width || further {
            return Verdict::TooFar;
        }
        if best.is_some_and(|(least, at)| distance == least && self.age(rules, at) <= self.age(rules, other)) {
            return Verdict::NotBetter;
        }
        if self.allow(rules, place, other) { Verdict::Better(distance) } else { Verdict::Refused }
    }
}

enum Verdict {
    /// Neither this one nor any further one of its class and side.
    TooFar,
    /// As near as the best, and to go after it: so would any other of its class that is as near.
    NotBetter,
    Better(f64),
    Refused,
}
