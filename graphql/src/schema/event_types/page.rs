//! Pages of this noun's lists.

use async_graphql::SimpleObject;

use super::{EventType, dead_letters::DeadLetter, quarantine::QuarantinedKind};
use crate::schema::page::{PageInfo, encode};

/// A macro, since GraphQL has no generic types and the derive makes none of nested ones.
macro_rules! pages {
    ($($connection:ident of $edge:ident of $node:ty;)*) => {$(
        /// One page of a list.
        #[derive(SimpleObject)]
        pub struct $connection {
            /// The entries of this page.
            edges: Vec<$edge>,
            /// Whether and where it goes on.
            page_info: PageInfo,
        }

        /// An entry and where it stands in the list.
        #[derive(SimpleObject)]
        pub struct $edge {
            /// For `after`.
            cursor: String,
            /// The entry.
            node: $node,
        }

        impl $connection {
            /// The first entries of those that come after the cursor; there is another page when there are more.
            pub(super) fn of(
                mut entries: impl Iterator<Item = $node>,
                first: u32,
                place: impl Fn(&$node) -> String,
            ) -> Self {
                let edges: Vec<$edge> = entries
                    .by_ref()
                    .take(first as usize)
                    .map(|node| $edge { cursor: encode(&place(&node)), node })
                    .collect();
                let end_cursor = edges.last().map(|edge| edge.cursor.clone());
                Self { page_info: PageInfo::new(entries.next().is_some(), end_cursor), edges }
            }
        }
    )*};
}

pages! {
    EventTypeConnection of EventTypeEdge of EventType;
    QuarantinedKindConnection of QuarantinedKindEdge of QuarantinedKind;
    DeadLetterConnection of DeadLetterEdge of DeadLetter;
}
