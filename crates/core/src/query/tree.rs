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
    /// Of a row that comes: the node that it had before. Of one that goes: the place that it had.
    was: u32,
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

    /// Makes a node, which is not in the tree yet, for a row that had the node `was` before.
    pub(super) fn make(&mut self, slot: u32, key: &[u8], was: Id) -> Id {
        let node = Node { slot, key: key.into(), size: 1, was, ..Node::default() };
        if let Some(id) = self.free.pop() {
            *self.node_mut(id) = node;
            return id;
        }
        self.nodes.push(node);
        (self.nodes.len() - 1) as Id
    }

    /// Notes the place of a node that is to go, before any goes.
    pub(super) fn leave(&mut self, id: Id) {
        self.node_mut(id).was = self.rank(id);
    }

    /// Takes out a node and gives it up; answers with the place that it [left](Self::leave).
    pub(super) fn take(&mut self, id: Id) -> u32 {
        self.remove(id);
        self.node_mut(id).key = Box::default();
        self.free.push(id);
        self.node(id).was
    }

    /// The place that a row left that has come again, until the next node is made.
    pub(super) fn from(&self, id: Id) -> Option<u32> {
        let was = self.node(id).was;
        (was != NIL).then(|| self.node(was).was)
    }

    pub(super) fn slot(&self, id: Id) -> u32 {
        self.node(id).slot
    }

    pub(super) fn key(&self, id: Id) -> &[u8] {
        &self.node(id).key
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

    fn remove(&mut self, id: Id) {
        let [left, right] = self.node(id).child;
        if left != NIL && right != NIL {
            // The next one takes its place.
            let next = self.outermost(right, 0);
            let above = self.node(next).parent;
            self.put_in_place(next, self.child(next, 1));
            let from = if above == id { next } else { above };
            let [left, right] = self.node(id).child;
            self.hang(next, 0, left);
            self.hang(next, 1, right);
            self.put_in_place(id, next);
            self.settle(from);
        } else {
            let parent = self.node(id).parent;
            self.put_in_place(id, left.max(right));
            self.settle(parent);
        }
    }

    /// The place of a node that is in the tree.
    pub(super) fn rank(&self, id: Id) -> u32 {
        let mut rank = self.size(self.child(id, 0));
        let mut at = id;
        loop {
            let parent = self.node(at).parent;
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
            let parent = self.node(at).parent;
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

    // A check of bounds takes more code than a call.
    #[cfg_attr(target_arch = "wasm32", inline(never))]
    fn node(&self, id: Id) -> &Node {
        &self.nodes[id as usize]
    }

    #[cfg_attr(target_arch = "wasm32", inline(never))]
    fn node_mut(&mut self, id: Id) -> &mut Node {
        &mut self.nodes[id as usize]
    }

    fn root(&self) -> Id {
        self.child(NIL, 0)
    }

    fn size(&self, id: Id) -> u32 {
        self.node(id).size
    }

    fn child(&self, id: Id, side: usize) -> Id {
        self.node(id).child[side]
    }

    fn outermost(&self, mut at: Id, side: usize) -> Id {
        while self.child(at, side) != NIL {
            at = self.child(at, side);
        }
        at
    }

    fn hang(&mut self, parent: Id, side: usize, child: Id) {
        self.node_mut(parent).child[side] = child;
        if child != NIL {
            self.node_mut(child).parent = parent;
        }
    }

    /// Puts `new` where `old` is.
    fn put_in_place(&mut self, old: Id, new: Id) {
        let parent = self.node(old).parent;
        let side = usize::from(self.child(parent, 1) == old);
        self.hang(parent, side, new);
    }

    fn measure(&mut self, id: Id) {
        let [left, right] = self.node(id).child;
        self.node_mut(id).size = self.size(left) + self.size(right) + 1;
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
                    at = self.node(at).parent;
                    break;
                }
            }
            at = self.node(at).parent;
        }
    }

    /// Turns a node and its parent so that it is above.
    fn lift(&mut self, id: Id) {
        let parent = self.node(id).parent;
        let side = usize::from(self.child(parent, 1) == id);
        self.put_in_place(parent, id);
        self.hang(parent, side, self.child(id, 1 - side));
        self.hang(id, 1 - side, parent);
        self.measure(parent);
        self.measure(id);
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
                let id = tree.make(key, &key.to_be_bytes(), NIL);
                tree.insert(id);
                model.insert(place, (key, id));
            } else {
                let place = if round < 1_000 { 0 } else { random(model.len()) };
                let (_, id) = model.remove(place);
                tree.leave(id);
                assert_eq!(tree.take(id), place as u32);
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
}
