//! Ways to cut streams into chunks.

use crate::Error;

/// Where the chunks of each stream end, in order; the same offset twice is an empty chunk.
pub type Cuts = Vec<Vec<usize>>;

/// A named way of cutting, or a family of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Split {
    /// One chunk.
    Whole,
    /// Chunks of this many bytes.
    Fixed(usize),
    /// Every way to cut into two.
    All2,
    /// Every way to cut into three.
    All3,
    /// Chunks of random sizes up to `most`.
    Random {
        /// Tells one sequence of sizes from another.
        seed: u64,
        /// The greatest size.
        most: usize,
    },
    /// Single bytes, each after an empty chunk.
    Empty,
    /// Cuts at these offsets.
    At(Vec<usize>),
}

impl Split {
    /// The split of this name, as vector files write it.
    pub fn parse(name: &str) -> Result<Self, Error> {
        Self::from_name(name).ok_or_else(|| Error::new(format!("unknown split {name}")))
    }

    /// All the ways to cut streams of these lengths.
    ///
    /// Families and `At` cut the streams laid end to end, the others each stream by itself.
    pub fn cuts<'a>(&'a self, lengths: &'a [usize]) -> Box<dyn Iterator<Item = Cuts> + 'a> {
        let total: usize = lengths.iter().sum();
        let each = |ends: fn(usize) -> Vec<usize>| lengths.iter().map(|&len| ends(len)).collect();
        match self {
            Self::Whole => once(each(|len| vec![len])),
            Self::Empty => once(each(|len| (0..=len).flat_map(|at| [at, at]).skip(1).collect())),
            Self::Fixed(size) => once(in_steps(lengths, || *size)),
            Self::Random { seed, most } => {
                let mut random = Xorshift(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
                once(in_steps(lengths, || random.below(*most) + 1))
            }
            Self::At(offsets) => once(cut_at(lengths, offsets)),
            Self::All2 => Box::new((1..total.max(1)).map(move |at| cut_at(lengths, &[at]))),
            Self::All3 => Box::new((1..total.max(1)).flat_map(move |first| {
                (first + 1..total).map(move |second| cut_at(lengths, &[first, second]))
            })),
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        let (kind, rest) = name.split_once(':').unwrap_or((name, ""));
        Some(match kind {
            "whole" => Self::Whole,
            "all2" => Self::All2,
            "all3" => Self::All3,
            "empty" => Self::Empty,
            "fixed" => Self::Fixed(rest.parse().ok().filter(|&size| size > 0)?),
            "rand" => {
                let (seed, most) = rest.split_once(':')?;
                let most = most.parse().ok().filter(|&most| most > 0)?;
                Self::Random { seed: seed.parse().ok()?, most }
            }
            "at" => {
                let offsets: Result<_, _> = rest.split(',').map(str::parse).collect();
                Self::At(offsets.ok()?)
            }
            _ => return None,
        })
    }
}

/// A small random sequence, the same wherever it runs.
struct Xorshift(u64);

impl Xorshift {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % bound
    }
}

fn once<'a>(cuts: Cuts) -> Box<dyn Iterator<Item = Cuts> + 'a> {
    Box::new(core::iter::once(cuts))
}

fn in_steps(lengths: &[usize], mut step: impl FnMut() -> usize) -> Cuts {
    let mut chunks_of = |length: usize| {
        let mut ends = Vec::new();
        let mut at = 0;
        while at < length {
            at = (at + step()).min(length);
            ends.push(at);
        }
        ends
    };
    lengths.iter().map(|&length| chunks_of(length)).collect()
}

fn cut_at(lengths: &[usize], offsets: &[usize]) -> Cuts {
    let mut start = 0;
    let chunks_of = |&length: &usize| {
        let inside = |&at: &usize| at.checked_sub(start).filter(|at| (1..length).contains(at));
        let ends = offsets.iter().filter_map(inside).chain([length]).collect();
        start += length;
        ends
    };
    lengths.iter().map(chunks_of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, lengths: &[usize], expect: &[&[&[usize]]]) {
        let cuts: Vec<Cuts> = Split::parse(name).unwrap().cuts(lengths).collect();
        assert_eq!(cuts, expect, "{name}");
    }

    #[test]
    fn splits_cut_as_they_are_named() {
        check("whole", &[3], &[&[&[3]]]);
        check("fixed:2", &[3, 4], &[&[&[2, 3], &[2, 4]]]);
        check("all2", &[3], &[&[&[1, 3]], &[&[2, 3]]]);
        check("all3", &[4], &[&[&[1, 2, 4]], &[&[1, 3, 4]], &[&[2, 3, 4]]]);
        check("empty", &[2], &[&[&[0, 1, 1, 2, 2]]]);
        check("at:1,4", &[2, 3], &[&[&[1, 2], &[2, 3]]]);
        check("all2", &[1], &[]);
        assert!(Split::parse("fixed:0").is_err());
    }

    #[test]
    fn random_chunks_cover_the_stream() {
        let split = Split::parse("rand:7:5").unwrap();
        let cuts: Vec<Cuts> = split.cuts(&[1000]).collect();
        let sizes = cuts[0][0].windows(2).map(|ends| ends[1] - ends[0]);
        assert!(sizes.clone().all(|size| (1..=5).contains(&size)) && sizes.max() == Some(5));
        assert_eq!(cuts[0][0].last(), Some(&1000));
    }
}
