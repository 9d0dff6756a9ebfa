//! What the typed views of records have in common. A view names fields; it never interprets them.

/// Declares a view of one kind of record: its type, and one accessor a field.
macro_rules! view {
    ($(#[$about:meta])* $name:ident of $kind:ident { $($(#[$doc:meta])* $field:ident = $number:literal),* $(,)? }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy)]
        pub struct $name<'a>(super::Record<'a>);

        impl<'a> $name<'a> {
            /// `None` for a record of another kind.
            pub fn of(record: super::Record<'a>) -> Option<Self> {
                (record.kind() == super::Kind::$kind).then_some($name(record))
            }

            /// The record itself, with the fields that have no name here.
            pub fn record(&self) -> super::Record<'a> {
                self.0
            }

            $(
                $(#[$doc])*
                pub fn $field(&self) -> super::Field<'a> {
                    self.0.field($number)
                }
            )*
        }
    };
}

pub(super) use view;
