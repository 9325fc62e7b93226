//! Chance that repeats itself: what one number begins is the same on every machine.

/// A sequence of numbers (`SplitMix64`).
#[derive(Debug, Clone)]
pub(super) struct Draw(u64);

impl Draw {
    pub(super) const fn new(number: u64) -> Self {
        Self(number)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// The tail of an id.
    pub(super) fn bits(&mut self) -> u128 {
        (u128::from(self.next()) << 64) | u128::from(self.next())
    }

    /// From 0 up to `end`.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// Whether something happens that happens so many times in ten thousand.
    pub(super) fn happens(&mut self, in_ten_thousand: u64) -> bool {
        self.below(10_000) < in_ten_thousand
    }

    /// From 0 up to 1: for jitter.
    pub(super) fn fraction(&mut self) -> f64 {
        f64::from(u32::try_from(self.next() >> 32).unwrap_or(0)) / (f64::from(u32::MAX) + 1.0)
    }

    /// One of several, by their weights.
    pub(super) fn pick<'a, T>(&mut self, choices: &'a [T], weight: impl Fn(&T) -> u64) -> &'a T {
        let mut left = self.below(choices.iter().map(&weight).sum());
        for choice in choices {
            let weight = weight(choice);
            if left < weight {
                return choice;
            }
            left -= weight;
        }
        &choices[choices.len() - 1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_begins_one_sequence() {
        let first = |number| {
            let mut draw = Draw::new(number);
            (draw.bits(), draw.below(100), draw.fraction().to_bits())
        };
        assert_eq!(first(7), first(7));
        assert_ne!(first(7), first(8));
    }

    #[test]
    fn what_is_heavier_is_drawn_more_often() {
        let mut draw = Draw::new(1);
        let drawn: Vec<u64> = (0..10_000).map(|_| *draw.pick(&[0, 1, 9], |weight| *weight)).collect();
        let nines = drawn.iter().filter(|weight| **weight == 9).count();
        assert!((8_700..9_300).contains(&nines) && !drawn.contains(&0), "{nines}");
    }
}
