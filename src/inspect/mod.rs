//! What a debugger and a reader of cores see of this process: a table that names the structures which matter, says where
//! they lie and what is at which offset in them. It is data, so that it works on a stripped library, and so that a
//! reader needs to know names only and no offset: a script may be older or newer than the library. Each module describes
//! its own structures; `crate::tracer::state` gathers them. Here are the words for a description, in `table` the form in
//! memory, in `shapes` how the standard library's containers lie. Nothing here is called while spans are made.

pub mod shapes;
pub mod table;

pub use table::publish;

/// What lies at a field's offset. The numbers are the table's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Kind {
    /// A number without sign of 1, 2, 4 or 8 bytes.
    Unsigned = 1,
    /// One with a sign.
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
    name: &'static str,
    offset: usize,
    size: usize,
    kind: Kind,
    of: &'static str,
}

impl Field {
    /// A number; `get` says how large it is.
    pub fn unsigned<O, T>(name: &'static str, offset: usize, _get: fn(&O) -> &T) -> Field {
        Field { name, offset, size: size_of::<T>(), kind: Kind::Unsigned, of: "" }
    }

    /// A number of `size` bytes in a form that is no structure.
    pub const fn number(name: &'static str, offset: usize, size: usize) -> Field {
        Field { name, offset, size, kind: Kind::Unsigned, of: "" }
    }

    /// The same field, read as a number with a sign.
    pub const fn with_sign(self) -> Field {
        Field { kind: Kind::Signed, ..self }
    }

    /// A number with a sign.
    pub fn signed<O, T>(name: &'static str, offset: usize, get: fn(&O) -> &T) -> Field {
        Field::unsigned(name, offset, get).with_sign()
    }

    /// Structures, one or several, of the type named `of`.
    pub fn of<O, T>(name: &'static str, offset: usize, get: fn(&O) -> &T, kind: Kind, of: &'static str) -> Field {
        Field { kind, of, ..Field::unsigned(name, offset, get) }
    }

    /// The same field with this size, where the one that its type has is more than what it is for.
    pub fn of_size(self, size: usize) -> Field {
        Field { size, ..self }
    }

    /// The same field of a structure that lies `by` bytes inside another.
    pub fn moved(self, by: usize) -> Field {
        Field { offset: self.offset + by, ..self }
    }
}

/// A field that is a number without sign: its structure, the way to it, and the name where that is another.
macro_rules! unsigned {
    ($owner:ty, $($path:tt).+ as $name:literal) => {
        $crate::inspect::Field::unsigned::<$owner, _>($name, std::mem::offset_of!($owner, $($path).+), |it| &it.$($path).+)
    };
    ($owner:ty, $field:ident) => {
        $crate::inspect::Field::unsigned::<$owner, _>(stringify!($field), std::mem::offset_of!($owner, $field), |it| &it.$field)
    };
}
pub(crate) use unsigned;

/// A field that is a number with a sign.
macro_rules! signed {
    ($owner:ty, $field:ident) => {
        $crate::inspect::Field::signed::<$owner, _>(stringify!($field), std::mem::offset_of!($owner, $field), |it| {
            &it.$field
        })
    };
}
pub(crate) use signed;

/// A field that holds structures: how many, and of which type.
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
    /// So many, one behind another.
    Row {
        /// The first one's address.
        base: usize,
        /// How many.
        count: usize,
    },
    /// In groups, each reached by a pointer.
    Directory {
        /// The first pointer's address; the first null pointer ends the directory.
        base: usize,
        /// How many pointers at the most.
        count: usize,
        /// How many structures each leads to.
        per: usize,
    },
}

/// A kind of structure.
#[derive(Clone, Debug)]
pub struct TypeDescriptor {
    name: &'static str,
    stride: usize,
    place: Place,
    fields: Vec<Field>,
}

impl TypeDescriptor {
    /// A structure that is reached by a field: its size, and what is in it.
    pub fn inside<T>(name: &'static str, fields: Vec<Field>) -> TypeDescriptor {
        TypeDescriptor { name, stride: size_of::<T>(), place: Place::Inside, fields }
    }

    /// All of a slice.
    pub fn row<T>(name: &'static str, all: &[T], fields: Vec<Field>) -> TypeDescriptor {
        let place = Place::Row { base: all.as_ptr() as usize, count: all.len() };
        TypeDescriptor { name, stride: size_of::<T>(), place, fields }
    }

    /// Structures in groups, `stride` bytes apart.
    pub fn directory(name: &'static str, place: Place, stride: usize, fields: Vec<Field>) -> TypeDescriptor {
        TypeDescriptor { name, stride, place, fields }
    }

    /// Returns the descriptor with another size: its fields lie in a larger structure.
    pub fn sized(self, stride: usize) -> TypeDescriptor {
        TypeDescriptor { stride, ..self }
    }
}
