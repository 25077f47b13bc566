//! Which rows or columns, kept as ranges: every other row of a million takes eight megabytes, all of them eight bytes.

/// Numbers that were added in ascending order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranges(Vec<(u32, u32)>);

impl Ranges {
    /// Adds `first..=last`; what lies before the last range is taken as part of it.
    pub fn add(&mut self, first: u32, last: u32) {
        match self.0.last_mut() {
            Some((_, end)) if first <= end.saturating_add(1) => *end = last.max(*end),
            _ => self.0.push((first, last)),
        }
    }

    pub fn contains(&self, number: u32) -> bool {
        let after = self.0.partition_point(|(first, _)| *first <= number);
        after > 0 && self.0[after - 1].1 >= number
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As `(first, last)`.
    pub fn iter(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.0.iter().copied()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_become_one_range() {
        let mut ranges = Ranges::default();
        assert!(!ranges.contains(0));
        for (first, last) in [(2, 2), (3, 5), (9, 9), (9, 12), (20, u32::MAX), (4, 4)] {
            ranges.add(first, last);
        }
        assert_eq!(ranges.iter().collect::<Vec<_>>(), [(2, 5), (9, 12), (20, u32::MAX)]);
        let within: Vec<u32> = (0..24).filter(|n| ranges.contains(*n)).collect();
        assert_eq!(within, [2, 3, 4, 5, 9, 10, 11, 12, 20, 21, 22, 23]);
    }
}
