//! Millions of times, kept to about one percent.

/// Counts of microseconds: 64 classes for each power of two.
#[derive(Debug, Default)]
pub(crate) struct Histogram {
    counts: Vec<u64>,
    total: u64,
}

impl Histogram {
    pub(crate) fn add(&mut self, nanoseconds: u64) {
        let class = class(nanoseconds / 1000);
        if class >= self.counts.len() {
            self.counts.resize(class + 1, 0);
        }
        self.counts[class] += 1;
        self.total += 1;
    }

    /// The time in milliseconds that this share of all was within.
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53")]
    pub(crate) fn within(&self, share: f64) -> f64 {
        let wanted = share * self.total as f64;
        let mut seen = 0;
        for (class, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen as f64 >= wanted {
                return end(class) as f64 / 1000.0;
            }
        }
        0.0
    }
}

fn class(value: u64) -> usize {
    let shift = (u64::BITS - value.leading_zeros()).saturating_sub(7);
    (shift as usize) * 64 + (value >> shift) as usize
}

/// The least value beyond a class.
fn end(class: usize) -> u64 {
    let shift = (class / 64).saturating_sub(1);
    ((class - shift * 64 + 1) as u64) << shift
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_narrow_and_in_order() {
        for value in (0..5000).chain([1 << 20, (1 << 30) + 12_345]) {
            let end = end(class(value));
            assert!(value < end && end <= value + value / 64 + 1, "{value} {end}");
        }
        let mut histogram = Histogram::default();
        (1..=1000).for_each(|ms| histogram.add(ms * 1_000_000));
        assert!((495.0..512.0).contains(&histogram.within(0.5)), "{}", histogram.within(0.5));
        assert!((990.0..1010.0).contains(&histogram.within(0.99)));
    }
}
