//! A list that never moves what is in it: growing copies nothing, however long it is.

use alloc::vec::Vec;

pub(crate) struct Pages<T>(Vec<Vec<T>>);

impl<T> Default for Pages<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Pages<T> {
    #[inline]
    pub(crate) fn get(&self, at: u32) -> Option<&T> {
        self.0.get(at as usize / PAGE)?.get(at as usize % PAGE)
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, at: u32) -> Option<&mut T> {
        self.0.get_mut(at as usize / PAGE)?.get_mut(at as usize % PAGE)
    }

    pub(crate) fn push(&mut self, value: T) {
        match self.0.last_mut() {
            Some(page) if page.len() < PAGE => page.push(value),
            _ => {
                // The first page grows as it likes: most lists are short.
                let size = if self.0.is_empty() { 0 } else { PAGE };
                let mut page = Vec::with_capacity(size);
                page.push(value);
                self.0.push(page);
            }
        }
    }

    pub(crate) fn len(&self) -> u32 {
        let last = self.0.last().map_or(0, Vec::len);
        (self.0.len().saturating_sub(1) * PAGE + last) as u32
    }
}

const PAGE: usize = 1024;
