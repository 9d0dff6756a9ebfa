//! UCUM's own table, embedded byte for byte, and the reading of it. Nothing in it is changed; what labwire adds stands in
//! `table.rs`. It understands the shape of this one file and is no XML reader.

/// The table. Its notice stands beside it.
const ESSENCE: &str = include_str!("../ucum/ucum-essence.xml");

/// One prefix, base unit or unit, with the attributes that matter here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    Prefix { code: &'static str, value: &'static str },
    Base { code: &'static str },
    Unit(Definition),
}

/// A unit as the table defines it: `value` times `unit`, or a function of that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Definition {
    pub(crate) code: &'static str,
    pub(crate) takes_prefix: bool,
    pub(crate) is_arbitrary: bool,
    /// Such as `Cel` or `lg`, where the unit isn't on a ratio scale.
    pub(crate) function: Option<&'static str>,
    pub(crate) value: &'static str,
    pub(crate) unit: &'static str,
}

/// Every entry, in the order of the file.
pub(crate) fn entries() -> impl Iterator<Item = Entry> {
    let kinds = [("prefix", "</prefix>"), ("base-unit", "</base-unit>"), ("unit", "</unit>")];
    let mut rest = ESSENCE;
    std::iter::from_fn(move || {
        while let Some((_, after)) = rest.split_once('<') {
            rest = after;
            let found =
                kinds.iter().find(|(kind, _)| after.strip_prefix(kind).is_some_and(|it| it.starts_with(' ')));
            if let Some((kind, end)) = found {
                let (element, after) = after.split_once(end)?;
                rest = after;
                return Some(entry(kind, element));
            }
        }
        None
    })
    .flatten()
}

fn entry(kind: &str, element: &'static str) -> Option<Entry> {
    let (tag, content) = element.split_once('>')?;
    let code = attribute(tag, "Code")?;
    if kind == "base-unit" {
        return Some(Entry::Base { code });
    }
    let tag_of = |name: &str| Some(content.split_once(name)?.1.split_once('>')?.0);
    let value = tag_of("<value ")?;
    if kind == "prefix" {
        return Some(Entry::Prefix { code, value: attribute(value, "value")? });
    }
    let says = |name: &str| attribute(tag, name) == Some("yes");
    let function = tag_of("<function ");
    let defined = function.unwrap_or(value);
    Some(Entry::Unit(Definition {
        code,
        takes_prefix: says("isMetric"),
        is_arbitrary: says("isArbitrary"),
        function: function.and_then(|function| attribute(function, "name")),
        value: attribute(defined, "value")?,
        unit: attribute(defined, "Unit")?,
    }))
}

/// The value of one attribute, by its exact name.
fn attribute(tag: &'static str, name: &str) -> Option<&'static str> {
    tag.split_ascii_whitespace().find_map(|pair| {
        let value = pair.strip_prefix(name)?.strip_prefix("=\"")?;
        value.split_once('"').map(|(value, _)| value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_of_the_table_is_read() {
        let all: Vec<Entry> = entries().collect();
        let tags = |tag: &str| ESSENCE.matches(tag).count();
        assert_eq!(all.len(), tags("<prefix ") + tags("<base-unit ") + tags("<unit "));
        assert_eq!(all.len(), 24 + 7 + 305);
        assert_eq!(all.first(), Some(&Entry::Prefix { code: "Y", value: "1e24" }));
    }

    #[test]
    fn a_definition_is_read_with_its_function() {
        let definition = |wanted| {
            entries().find_map(|entry| match entry {
                Entry::Unit(definition) if definition.code == wanted => Some(definition),
                _ => None,
            })
        };
        let fahrenheit = definition("[degF]").unwrap();
        assert_eq!((fahrenheit.function, fahrenheit.value, fahrenheit.unit), (Some("degF"), "5", "K/9"));
        let pi = definition("[pi]").unwrap();
        assert!(pi.value.starts_with("3.14159265358979323846") && pi.unit == "1" && !pi.takes_prefix);
        assert!(definition("[iU]").unwrap().is_arbitrary);
    }

    #[test]
    fn the_table_is_ucums_own_to_the_byte() {
        let sum = ESSENCE.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
            (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        assert_eq!((ESSENCE.len(), sum), (82_776, 0x34fc_0654_57f5_6990), "UCUM's table may not be changed");
    }
}
