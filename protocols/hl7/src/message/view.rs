//! What the typed views of segments have in common: fields found in one pass, then reached by name. A view names
//! fields; it never interprets them.

use super::{Field, Segment};

/// A segment with the ends of its first `N` parts, its name being the first.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a, const N: usize> {
    segment: Segment<'a>,
    ends: [usize; N],
}

impl<'a, const N: usize> Fields<'a, N> {
    pub(super) fn of(segment: Segment<'a>) -> Fields<'a, N> {
        let mut ends = [usize::MAX; N];
        let mut free = ends.iter_mut();
        let (raw, width) = (segment.raw(), segment.charset().width());
        width.each(segment.separators().field, raw, |at| {
            let end = free.next();
            end.map(|end| *end = at).is_some()
        });
        // After the last separator comes the last part, if there is still room for one.
        if let Some(end) = free.next() {
            *end = raw.len();
        }
        Fields { segment, ends }
    }

    pub(super) fn segment(&self) -> Segment<'a> {
        self.segment
    }

    pub(super) fn field(&self, n: usize) -> Field<'a> {
        let Some(part) = self.segment.part_of(n) else { return self.segment.field(n) };
        let before = part.checked_sub(1).and_then(|before| self.ends.get(before));
        let raw = match (before, self.ends.get(part)) {
            (Some(&before), Some(&end)) => {
                self.segment.raw().get(before.saturating_add(1)..end).unwrap_or_default()
            }
            _ => &[],
        };
        self.segment.as_field(n, raw)
    }
}

/// The highest number of an ascending list.
pub(super) const fn last(numbers: &[usize]) -> usize {
    match numbers {
        [.., last] => *last,
        [] => 0,
    }
}

/// Declares a view of one kind of segment: its type, and one accessor a field. Numbers ascend.
macro_rules! view {
    ($(#[$about:meta])* $name:ident of $segment:literal { $($(#[$doc:meta])* $field:ident = $number:literal),* $(,)? }) => {
        $(#[$about])*
        #[derive(Clone, Copy)]
        pub struct $name<'a>(super::view::Fields<'a, { super::view::last(&[$($number),*]) + 1 }>);

        impl<'a> $name<'a> {
            /// `None` for a segment of another name.
            pub fn of(segment: super::Segment<'a>) -> Option<Self> {
                segment.is($segment).then(|| $name(super::view::Fields::of(segment)))
            }

            /// The segment itself, with the fields that have no name here.
            pub fn segment(&self) -> super::Segment<'a> {
                self.0.segment()
            }

            $(
                $(#[$doc])*
                pub fn $field(&self) -> super::Field<'a> {
                    self.0.field($number)
                }
            )*
        }

        impl std::fmt::Debug for $name<'_> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.segment().fmt(f)
            }
        }
    };
}

pub(super) use view;
