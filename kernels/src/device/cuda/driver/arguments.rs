//! Arguments of kernels, and the form in which drivers take them: an array of pointers to each.

use std::ffi::c_void;
use std::marker::PhantomData;
use std::ptr;

use super::Address;

/// One argument, as wide as the kernel declares it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    /// A word.
    U32(u32),
    /// A double word.
    U64(u64),
    /// Memory of the card.
    Address(Address),
}

impl From<u32> for Argument {
    fn from(value: u32) -> Self {
        Self::U32(value)
    }
}

impl From<u64> for Argument {
    fn from(value: u64) -> Self {
        Self::U64(value)
    }
}

impl From<Address> for Argument {
    fn from(value: Address) -> Self {
        Self::Address(value)
    }
}

/// Pointers to arguments, which live as long as these do.
#[derive(Debug)]
pub struct Pointers<'a> {
    pointers: Vec<*mut c_void>,
    arguments: PhantomData<&'a [Argument]>,
}

impl<'a> Pointers<'a> {
    /// Points to each argument's value. Drivers read through the pointers and never write, whatever their type says.
    pub fn new(arguments: &'a [Argument]) -> Self {
        let pointer = |argument: &Argument| match argument {
            Argument::U32(value) => ptr::from_ref(value).cast_mut().cast(),
            Argument::U64(value) | Argument::Address(Address(value)) => ptr::from_ref(value).cast_mut().cast(),
        };
        Self { pointers: arguments.iter().map(pointer).collect(), arguments: PhantomData }
    }

    /// The array, as `cuLaunchKernel` takes it.
    pub fn as_mut_slice(&mut self) -> &mut [*mut c_void] {
        &mut self.pointers
    }
}

#[cfg(test)]
mod tests {
    #![allow(unsafe_code)] // Reads as a driver does.

    use super::*;

    #[test]
    fn pointers_lead_to_values_of_the_declared_width() {
        let arguments = [0x8000_0001u32.into(), 0x0123_4567_89AB_CDEFu64.into(), Address(u64::MAX).into(), 7u32.into()];
        let mut pointers = Pointers::new(&arguments);
        let [first, second, third, fourth] = pointers.as_mut_slice() else { panic!("four arguments") };
        // SAFETY: the arguments live, and each pointer is to a value of the width that is read.
        unsafe {
            assert_eq!(first.cast::<u32>().read(), 0x8000_0001);
            assert_eq!(second.cast::<u64>().read(), 0x0123_4567_89AB_CDEF);
            assert_eq!(third.cast::<u64>().read(), u64::MAX);
            assert_eq!(fourth.cast::<u32>().read(), 7);
        }
    }

    #[test]
    fn no_arguments_are_no_pointers() {
        assert!(Pointers::new(&[]).as_mut_slice().is_empty());
    }
}
