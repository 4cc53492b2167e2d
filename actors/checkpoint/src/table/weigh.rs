//! What a value takes in memory, roughly: itself, and what it has on the heap. Equal values weigh the
//! same, so that what is added is what is taken off again: spare room doesn't count.

use bytes::Bytes;

pub trait Weigh {
    /// What it owns beside its own size.
    fn heap_bytes(&self) -> usize {
        0
    }

    fn weight(&self) -> u64
    where
        Self: Sized,
    {
        (size_of::<Self>() + self.heap_bytes()) as u64
    }
}

macro_rules! flat {
    ($($name:ty)*) => {
        $(impl Weigh for $name {})*
    };
}

flat!(() bool char u8 u16 u32 u64 u128 i8 i16 i32 i64 i128 f32 f64);

impl Weigh for String {
    fn heap_bytes(&self) -> usize {
        self.len()
    }
}

impl Weigh for Bytes {
    fn heap_bytes(&self) -> usize {
        self.len()
    }
}

impl<T: Weigh> Weigh for Vec<T> {
    fn heap_bytes(&self) -> usize {
        self.len() * size_of::<T>() + self.iter().map(T::heap_bytes).sum::<usize>()
    }
}

impl<T: Weigh> Weigh for Option<T> {
    fn heap_bytes(&self) -> usize {
        self.as_ref().map_or(0, T::heap_bytes)
    }
}

impl<A: Weigh, B: Weigh> Weigh for (A, B) {
    fn heap_bytes(&self) -> usize {
        self.0.heap_bytes() + self.1.heap_bytes()
    }
}

impl<A: Weigh, B: Weigh, C: Weigh> Weigh for (A, B, C) {
    fn heap_bytes(&self) -> usize {
        self.0.heap_bytes() + self.1.heap_bytes() + self.2.heap_bytes()
    }
}
