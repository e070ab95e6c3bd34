//! What an application makes of the items.

use alloc::boxed::Box;

use crate::item::Change;
use crate::state::State;

/// Folds committed transactions into a shape of the application's own.
///
/// A [`Materializer`](crate::Materializer) keeps the items themselves in a [`State`]; a view is
/// told, once for each transaction and after the state has moved, what became different. It never
/// sees half a transaction, a repeated message, or an outdated one.
///
/// ```
/// use highwater_core::{Action, Change, State, View};
///
/// /// Counts what is there.
/// #[derive(Default)]
/// struct Count(usize);
///
/// impl View for Count {
///     fn update(&mut self, changes: &[Change], _: &State) -> Result<(), Box<str>> {
///         for change in changes {
///             match change.action {
///                 Action::Insert => self.0 += 1,
///                 Action::Delete => self.0 -= 1,
///                 _ => {}
///             }
///         }
///         Ok(())
///     }
///     fn reset(&mut self) {
///         self.0 = 0;
///     }
/// }
/// ```
pub trait View {
    /// Takes in one transaction; `changes` holds no no-ops and may be empty. A refusal abandons
    /// the stream: the view is reset, and is given everything anew after the next snapshot.
    fn update(&mut self, changes: &[Change], state: &State) -> Result<(), Box<str>>;

    /// Is told, before each [`update`](Self::update), where the stream stands after it.
    fn moves_to(&mut self, _cursor: Option<&str>) {}

    /// Is told, before each [`update`](Self::update), whether the transaction is a snapshot.
    fn begins(&mut self, _snapshot: bool) {}

    /// Forgets everything.
    fn reset(&mut self);
}

/// No view: the state is all that is wanted.
impl View for () {
    fn update(&mut self, _: &[Change], _: &State) -> Result<(), Box<str>> {
        Ok(())
    }

    fn reset(&mut self) {}
}
