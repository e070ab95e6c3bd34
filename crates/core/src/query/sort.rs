//! Numbers in order: a heap sort, at a tenth of the code of the library's sorts.

/// Sorts numbers.
pub(super) fn sort(numbers: &mut [u32]) {
    let count = numbers.len();
    for start in (0..count / 2).rev() {
        sink(numbers, start);
    }
    for end in (1..count).rev() {
        numbers.swap(0, end);
        sink(numbers.get_mut(..end).unwrap_or_default(), 0);
    }
}

/// Lets the number at `at` sink below all that are greater.
fn sink(heap: &mut [u32], mut at: usize) {
    loop {
        let below = at * 2 + 1;
        let child = below + usize::from(heap.get(below) < heap.get(below + 1));
        if heap.get(child) <= heap.get(at) {
            return;
        }
        heap.swap(at, child);
        at = child;
    }
}

#[cfg(test)]
mod tests {
    use super::sort;
    use alloc::vec::Vec;

    #[test]
    fn numbers_are_sorted() {
        for count in (0..20).chain([1_000]) {
            let mut numbers: Vec<u32> = (0..count).map(|n| n * 7_919 % 101).collect();
            sort(&mut numbers);
            assert!(numbers.is_sorted(), "{numbers:?}");
            assert_eq!(numbers.len(), count as usize);
            assert_eq!(numbers.iter().sum::<u32>(), (0..count).map(|n| n * 7_919 % 101).sum());
        }
    }
}
