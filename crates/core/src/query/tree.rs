//! Rows in order, each with its place: found, put in and taken out in logarithmic time.
//!
//! A weight-balanced search tree (Adams; the parameters ⟨3, 2⟩ of Hirai and Yamamoto): the sizes of
//! subtrees, which give a row its place, are what it is balanced by too.

use alloc::boxed::Box;
use alloc::vec::Vec;

/// The number of a node.
pub(super) type Id = u32;

/// No node. Its own entry stands above the root, which is its left child.
pub(super) const NIL: Id = 0;

#[derive(Clone, Default)]
struct Node {
    parent: Id,
    /// Left: before this one; right: after it.
    child: [Id; 2],
    /// Of the subtree, this one included.
    size: u32,
    slot: u32,
    key: Box<[u8]>,
}

pub(super) struct Tree {
    nodes: Vec<Node>,
    free: Vec<Id>,
}

impl Tree {
    pub(super) fn new() -> Self {
        Self { nodes: Vec::from([Node::default()]), free: Vec::new() }
    }

    pub(super) fn len(&self) -> u32 {
        self.size(self.root())
    }

    /// Makes a node, which is not in the tree yet.
    pub(super) fn make(&mut self, slot: u32, key: &[u8]) -> Id {
        let node = Node { slot, key: key.into(), size: 1, ..Node::default() };
        if let Some(id) = self.free.pop() {
            self.nodes[id as usize] = node;
            return id;
        }
        self.nodes.push(node);
        (self.nodes.len() - 1) as Id
    }

    /// Gives up a node that is not in the tree any more.
    pub(super) fn free(&mut self, id: Id) {
        self.nodes[id as usize].key = Box::default();
        self.free.push(id);
    }

    pub(super) fn slot(&self, id: Id) -> u32 {
        self.nodes[id as usize].slot
    }

    pub(super) fn key(&self, id: Id) -> &[u8] {
        &self.nodes[id as usize].key
    }

    /// Sorts nodes by their keys (a merge sort, at a tenth of the size of the library's).
    pub(super) fn sort(&self, ids: &mut Vec<Id>) {
        let mut merged = Vec::with_capacity(ids.len());
        let mut run = 1;
        while run < ids.len() {
            merged.clear();
            for pair in ids.chunks(run * 2) {
                let (mut left, mut right) = pair.split_at(run.min(pair.len()));
                while let (Some((&l, more_left)), Some((&r, more_right))) =
                    (left.split_first(), right.split_first())
                {
                    if self.key(l) <= self.key(r) {
                        merged.push(l);
                        left = more_left;
                    } else {
                        merged.push(r);
                        right = more_right;
                    }
                }
                merged.extend_from_slice(left);
                merged.extend_from_slice(right);
            }
            core::mem::swap(ids, &mut merged);
            run *= 2;
        }
    }

    /// Puts nodes, sorted, into the empty tree.
    pub(super) fn build(&mut self, sorted: &[Id]) {
        let root = self.subtree(sorted);
        self.hang(NIL, 0, root);
    }

    pub(super) fn insert(&mut self, id: Id) {
        let (mut parent, mut side) = (NIL, 0);
        let mut at = self.root();
        while at != NIL {
            parent = at;
            side = usize::from(self.key(at) < self.key(id));
            at = self.child(at, side);
        }
        self.hang(parent, side, id);
        self.settle(parent);
    }

    pub(super) fn remove(&mut self, id: Id) {
        let [left, right] = self.nodes[id as usize].child;
        if left != NIL && right != NIL {
            // The next one takes its place.
            let next = self.outermost(right, 0);
            let above = self.nodes[next as usize].parent;
            self.put_in_place(next, self.child(next, 1));
            let from = if above == id { next } else { above };
            let [left, right] = self.nodes[id as usize].child;
            self.hang(next, 0, left);
            self.hang(next, 1, right);
            self.put_in_place(id, next);
            self.settle(from);
        } else {
            let parent = self.nodes[id as usize].parent;
            self.put_in_place(id, left.max(right));
            self.settle(parent);
        }
        let node = &mut self.nodes[id as usize];
        (node.parent, node.child, node.size) = (NIL, [NIL; 2], 1);
    }

    /// The place of a node that is in the tree.
    pub(super) fn rank(&self, id: Id) -> u32 {
        let mut rank = self.size(self.child(id, 0));
        let mut at = id;
        loop {
            let parent = self.nodes[at as usize].parent;
            if parent == NIL {
                return rank;
            }
            if self.child(parent, 1) == at {
                rank += self.size(self.child(parent, 0)) + 1;
            }
            at = parent;
        }
    }

    /// The node at a place.
    pub(super) fn at(&self, mut place: u32) -> Option<Id> {
        let mut at = self.root();
        while at != NIL {
            let before = self.size(self.child(at, 0));
            if place == before {
                return Some(at);
            }
            let side = usize::from(place > before);
            if side == 1 {
                place -= before + 1;
            }
            at = self.child(at, side);
        }
        None
    }

    /// The node after a node.
    pub(super) fn next(&self, id: Id) -> Id {
        let right = self.child(id, 1);
        if right != NIL {
            return self.outermost(right, 0);
        }
        let mut at = id;
        loop {
            let parent = self.nodes[at as usize].parent;
            if parent == NIL || self.child(parent, 0) == at {
                return parent;
            }
            at = parent;
        }
    }

    /// How many nodes come before the first whose key is not `early`; those that are come first.
    pub(super) fn count(&self, early: &dyn Fn(&[u8]) -> bool) -> u32 {
        let (mut at, mut count) = (self.root(), 0);
        while at != NIL {
            let side = usize::from(early(self.key(at)));
            if side == 1 {
                count += self.size(self.child(at, 0)) + 1;
            }
            at = self.child(at, side);
        }
        count
    }

    fn root(&self) -> Id {
        self.child(NIL, 0)
    }

    fn size(&self, id: Id) -> u32 {
        self.nodes[id as usize].size
    }

    fn child(&self, id: Id, side: usize) -> Id {
        self.nodes[id as usize].child[side]
    }

    fn outermost(&self, mut at: Id, side: usize) -> Id {
        while self.child(at, side) != NIL {
            at = self.child(at, side);
        }
        at
    }

    fn hang(&mut self, parent: Id, side: usize, child: Id) {
        self.nodes[parent as usize].child[side] = child;
        if child != NIL {
            self.nodes[child as usize].parent = parent;
        }
    }

    /// Puts `new` where `old` is.
    fn put_in_place(&mut self, old: Id, new: Id) {
        let parent = self.nodes[old as usize].parent;
        let side = usize::from(self.child(parent, 1) == old);
        self.hang(parent, side, new);
    }

    fn measure(&mut self, id: Id) {
        let [left, right] = self.nodes[id as usize].child;
        self.nodes[id as usize].size = self.size(left) + self.size(right) + 1;
    }

    /// Makes sizes and balance right, from a node up to the root.
    fn settle(&mut self, mut at: Id) {
        while at != NIL {
            self.measure(at);
            for side in [0, 1] {
                let heavy = self.child(at, side);
                if self.size(heavy) + 1 > 3 * (self.size(self.child(at, 1 - side)) + 1) {
                    let inner = self.child(heavy, 1 - side);
                    if self.size(inner) + 1 >= 2 * (self.size(self.child(heavy, side)) + 1) {
                        self.lift(inner);
                        self.lift(inner);
                    } else {
                        self.lift(heavy);
                    }
                    at = self.nodes[at as usize].parent;
                    break;
                }
            }
            at = self.nodes[at as usize].parent;
        }
    }

    /// Turns a node and its parent so that it is above.
    fn lift(&mut self, id: Id) {
        let parent = self.nodes[id as usize].parent;
        let side = usize::from(self.child(parent, 1) == id);
        self.put_in_place(parent, id);
        self.hang(parent, side, self.child(id, 1 - side));
        self.hang(id, 1 - side, parent);
        self.measure(parent);
        self.measure(id);
    }

    fn subtree(&mut self, sorted: &[Id]) -> Id {
        let (before, rest) = sorted.split_at(sorted.len() / 2);
        let Some((&id, after)) = rest.split_first() else {
            return NIL;
        };
        let (left, right) = (self.subtree(before), self.subtree(after));
        self.hang(id, 0, left);
        self.hang(id, 1, right);
        self.measure(id);
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sizes, balance and order of a subtree; answers with its size.
    fn check(tree: &Tree, id: Id) -> u32 {
        if id == NIL {
            return 0;
        }
        let [left, right] = [0, 1].map(|side| {
            let child = tree.child(id, side);
            assert!(child == NIL || tree.nodes[child as usize].parent == id);
            assert!(child == NIL || (tree.key(child) < tree.key(id)) == (side == 0));
            check(tree, child) + 1
        });
        assert!(left <= 3 * right && right <= 3 * left, "{left} beside {right}");
        assert_eq!(tree.size(id), left + right - 1);
        tree.size(id)
    }

    #[test]
    fn the_tree_is_balanced_and_knows_every_place() {
        let mut seed = 1_u32;
        let mut random = |end: usize| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 8) as usize % end
        };
        let mut tree = Tree::new();
        let mut model: Vec<(u32, Id)> = Vec::new();
        for round in 0..3_000_u32 {
            // Grows, shrinks; at random places, or always at one end.
            let grow = random(10) < if round / 700 % 2 == 0 { 8 } else { 2 };
            if grow || model.is_empty() {
                let key = if round < 1_000 { round } else { random(1 << 24) as u32 };
                let Err(place) = model.binary_search_by_key(&key, |(key, _)| *key) else {
                    continue;
                };
                let id = tree.make(key, &key.to_be_bytes());
                tree.insert(id);
                model.insert(place, (key, id));
            } else {
                let place = if round < 1_000 { 0 } else { random(model.len()) };
                let (_, id) = model.remove(place);
                tree.remove(id);
                tree.free(id);
            }
            check(&tree, tree.root());
            assert_eq!(tree.len() as usize, model.len());
        }
        let mut at = tree.at(0).unwrap();
        for (place, &(key, id)) in model.iter().enumerate() {
            assert_eq!((at, tree.slot(id), tree.rank(id)), (id, key, place as u32));
            assert_eq!(tree.at(place as u32), Some(id));
            assert_eq!(tree.count(&|other| other < &key.to_be_bytes()[..]), place as u32);
            at = tree.next(at);
        }
        assert_eq!((at, tree.at(tree.len())), (NIL, None));
    }

    #[test]
    fn sorting_and_building_give_the_order() {
        for count in [0_u32, 1, 2, 3, 7, 8, 9, 1_000] {
            let mut tree = Tree::new();
            let key = |n: u32| n.wrapping_mul(0x9e37_79b1).to_be_bytes();
            let mut ids: Vec<_> = (0..count).map(|n| tree.make(n, &key(n))).collect();
            tree.sort(&mut ids);
            tree.build(&ids);
            assert_eq!(check(&tree, tree.root()), count);
            for (place, &id) in ids.iter().enumerate() {
                assert_eq!(tree.rank(id), place as u32);
            }
        }
    }
}
