//! The one home of chance: numbers that look random and that a seed repeats. Never for secrets.

/// A stream of numbers that depends on its seed alone (SplitMix64).
#[derive(Debug, Clone)]
pub struct Chance {
    state: u64,
}

impl Chance {
    pub fn seeded(seed: u64) -> Self {
        Chance { state: seed }
    }

    /// A second stream that stays the same however much the first one is used. `label` tells streams apart.
    pub fn seeded_for(seed: u64, label: &str) -> Self {
        let start = label.bytes().fold(seed, |mixed, byte| mixed.rotate_left(7) ^ u64::from(byte));
        let mut chance = Chance { state: start };
        let state = chance.number();
        Chance { state }
    }

    pub fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `limit` − 1; 0 where the limit is 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.number().checked_rem(limit).unwrap_or_default()
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// True with this probability: never at 0.0, always at 1.0.
    pub fn hits(&mut self, rate: f64) -> bool {
        const STEPS: u64 = 1 << 53;
        (self.below(STEPS) as f64) < rate * (STEPS as f64)
    }

    /// One of these; the default where there is none.
    pub fn pick<T: Copy + Default>(&mut self, items: &[T]) -> T {
        let at = self.below(items.len() as u64) as usize;
        items.get(at).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers_and_another_seed_others() {
        let numbers = |seed| {
            let mut chance = Chance::seeded(seed);
            (0..8).map(|_| chance.number()).collect::<Vec<_>>()
        };
        assert_eq!(numbers(7), numbers(7));
        assert_ne!(numbers(7), numbers(8));
    }

    #[test]
    fn streams_with_different_labels_differ() {
        let first = Chance::seeded_for(7, "out").number();
        assert_ne!(first, Chance::seeded_for(7, "in").number());
        assert_eq!(first, Chance::seeded_for(7, "out").number());
    }

    #[test]
    fn a_rate_is_hit_about_that_often() {
        let mut chance = Chance::seeded(1);
        let hits = (0..10_000).filter(|_| chance.hits(0.25)).count();
        assert!((2300..2700).contains(&hits), "{hits}");
        assert!((0..1000).all(|_| !chance.hits(0.0) && chance.hits(1.0)));
    }

    #[test]
    fn limits_are_kept() {
        let mut chance = Chance::seeded(3);
        assert!((0..1000).map(|_| chance.between(3, 5)).all(|number| (3..=5).contains(&number)));
        assert_eq!(chance.below(0), 0);
        assert_eq!(chance.pick::<&str>(&[]), "");
    }
}
