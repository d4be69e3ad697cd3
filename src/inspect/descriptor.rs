//! Descriptions of structures: types, fields, and where the structures lie.

/// The kind of a field. The table in memory has these numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Kind {
    /// An unsigned number of 1, 2, 4 or 8 bytes.
    Unsigned = 1,
    /// A signed number.
    Signed = 2,
    /// One structure.
    One = 4,
    /// As many structures as fit the field's size.
    Array = 5,
    /// A `Vec` of them.
    Vec = 6,
    /// A `VecDeque` of them.
    Deque = 7,
    /// The address of one; 0 for none.
    Pointer = 8,
}

/// A field of a structure.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    pub(super) name: &'static str,
    pub(super) offset: usize,
    pub(super) size: usize,
    pub(super) kind: Kind,
    pub(super) of: &'static str,
}

impl Field {
    /// Describes an unsigned number; the type of `get` has its size.
    pub fn unsigned<O, T>(name: &'static str, offset: usize, _get: fn(&O) -> &T) -> Field {
        Field { name, offset, size: size_of::<T>(), kind: Kind::Unsigned, of: "" }
    }

    /// Describes an unsigned number of `size` bytes in data that is not a Rust structure.
    pub const fn number(name: &'static str, offset: usize, size: usize) -> Field {
        Field { name, offset, size, kind: Kind::Unsigned, of: "" }
    }

    /// Returns the field as a signed number.
    pub const fn with_sign(self) -> Field {
        Field { kind: Kind::Signed, ..self }
    }

    /// Describes a signed number.
    pub fn signed<O, T>(name: &'static str, offset: usize, get: fn(&O) -> &T) -> Field {
        Field::unsigned(name, offset, get).with_sign()
    }

    /// Describes one or several structures of the type named `of`.
    pub fn of<O, T>(name: &'static str, offset: usize, get: fn(&O) -> &T, kind: Kind, of: &'static str) -> Field {
        Field { kind, of, ..Field::unsigned(name, offset, get) }
    }

    /// Returns the field with this size, which is smaller than that of its type.
    pub fn of_size(self, size: usize) -> Field {
        Field { size, ..self }
    }

    /// Returns the field of a structure that lies `by` bytes inside another.
    pub fn moved(self, by: usize) -> Field {
        Field { offset: self.offset + by, ..self }
    }
}

/// Describes an unsigned field: its structure, its path, and its name if that differs.
macro_rules! unsigned {
    ($owner:ty, $($path:tt).+ as $name:literal) => {
        $crate::inspect::Field::unsigned::<$owner, _>($name, std::mem::offset_of!($owner, $($path).+), |it| &it.$($path).+)
    };
    ($owner:ty, $field:ident) => {
        $crate::inspect::Field::unsigned::<$owner, _>(stringify!($field), std::mem::offset_of!($owner, $field), |it| &it.$field)
    };
}
pub(crate) use unsigned;

/// Describes a signed field.
macro_rules! signed {
    ($owner:ty, $field:ident as $name:literal) => {
        $crate::inspect::Field::signed::<$owner, _>($name, std::mem::offset_of!($owner, $field), |it| &it.$field)
    };
    ($owner:ty, $field:ident) => {
        $crate::inspect::Field::signed::<$owner, _>(stringify!($field), std::mem::offset_of!($owner, $field), |it| {
            &it.$field
        })
    };
}
pub(crate) use signed;

/// Describes a field that holds structures: how many, and of which type.
macro_rules! holding {
    ($kind:ident of $of:literal, $owner:ty, $($path:tt).+ as $name:literal) => {
        $crate::inspect::Field::of::<$owner, _>(
            $name, std::mem::offset_of!($owner, $($path).+), |it| &it.$($path).+, $crate::inspect::Kind::$kind, $of,
        )
    };
    ($kind:ident of $of:literal, $owner:ty, $field:ident) => {
        $crate::inspect::Field::of::<$owner, _>(
            stringify!($field), std::mem::offset_of!($owner, $field), |it| &it.$field, $crate::inspect::Kind::$kind, $of,
        )
    };
}
pub(crate) use holding;

/// Where the structures of a type lie.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    /// Reached by a field of another.
    Inside,
    /// One behind another.
    Row {
        /// The first one's address.
        base: usize,
        /// Their number.
        count: usize,
    },
    /// In groups, each reached by a pointer.
    Directory {
        /// The first pointer's address; the first null pointer ends the directory.
        base: usize,
        /// Maximum number of pointers.
        count: usize,
        /// Number of structures to which each of them points.
        per: usize,
    },
}

/// The description of a type.
#[derive(Clone, Debug)]
pub struct TypeDescriptor {
    pub(super) name: &'static str,
    pub(super) stride: usize,
    pub(super) place: Place,
    pub(super) fields: Vec<Field>,
}

impl TypeDescriptor {
    /// Describes a type whose structures are reached by fields of others.
    pub fn inside<T>(name: &'static str, fields: Vec<Field>) -> TypeDescriptor {
        TypeDescriptor { name, stride: size_of::<T>(), place: Place::Inside, fields }
    }

    /// Describes the elements of a slice.
    pub fn row<T>(name: &'static str, all: &[T], fields: Vec<Field>) -> TypeDescriptor {
        let place = Place::Row { base: all.as_ptr() as usize, count: all.len() };
        TypeDescriptor { name, stride: size_of::<T>(), place, fields }
    }

    /// Describes structures in groups, `stride` bytes apart.
    pub fn directory(name: &'static str, place: Place, stride: usize, fields: Vec<Field>) -> TypeDescriptor {
        TypeDescriptor { name, stride, place, fields }
    }

    /// Returns the descriptor with another size: its fields are part of a larger structure.
    pub fn sized(self, stride: usize) -> TypeDescriptor {
        TypeDescriptor { stride, ..self }
    }
}
