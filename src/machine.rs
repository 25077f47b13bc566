//! State machines as data: every allowed step is a row with its reason, every other pair is refused here and again by
//! a trigger of the database.

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};

/// One allowed step.
#[derive(Clone, Copy, Debug)]
pub struct Transition<S: 'static> {
    pub from: &'static [S],
    pub to: S,
    pub why: &'static str,
}

/// A state that knows its machine.
pub trait State: Copy + PartialEq + std::fmt::Debug + 'static {
    const ALL: &'static [Self];
    const TRANSITIONS: &'static [Transition<Self>];

    /// The name used in the database, the API and the pages.
    fn name(self) -> &'static str;

    fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|s| s.name() == name)
    }

    fn may_become(self, to: Self) -> bool {
        Self::TRANSITIONS.iter().any(|t| t.to == to && t.from.contains(&self))
    }
}

/// How the API's description shows a state: one of the names.
pub fn schema<S: State>() -> RefOr<Schema> {
    let names = S::ALL.iter().map(|state| state.name());
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names)).into()
}

/// `BatchState` for the states that `gaba::batch::states` defines.
pub fn schema_name(module: &str) -> String {
    let noun = module.split("::").nth(1).unwrap_or_default();
    let mut letters = noun.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(letters).chain("State".chars()).collect()
}

/// Defines an enum of states with their names.
#[macro_export]
macro_rules! states {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $text:literal,)+ } $transitions:expr) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        pub enum $name { $($(#[$vmeta])* $variant,)+ }

        impl $crate::machine::State for $name {
            const ALL: &'static [Self] = &[$($name::$variant,)+];
            const TRANSITIONS: &'static [$crate::machine::Transition<Self>] = $transitions;

            fn name(self) -> &'static str {
                match self { $($name::$variant => $text,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str($crate::machine::State::name(*self))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str($crate::machine::State::name(*self))
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                $crate::machine::schema::<$name>()
            }
        }

        impl utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                $crate::machine::schema_name(module_path!()).into()
            }
        }
    };
}
