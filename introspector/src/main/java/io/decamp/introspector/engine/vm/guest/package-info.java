/**
 * Reads a QEMU guest's memory from outside, in layers that stack: {@link
 * io.decamp.introspector.engine.vm.guest.GuestRam physical}, {@link
 * io.decamp.introspector.engine.vm.guest.PageTables translated}, {@link
 * io.decamp.introspector.engine.vm.guest.KernelObject typed}. Nothing in here writes to the guest, and nothing needs a
 * program in it.
 *
 * <p>All that comes from the guest is untrusted. Every address, count and length is checked where it is used, every
 * traversal has a bound with a name, and what does not fit ends as a {@link
 * io.decamp.introspector.engine.vm.guest.GuestFault}. A guest that runs while it is read may show a structure halfway
 * through a change: such a read is either a fault or a stale value, so what must be exact is read while the guest
 * stands.
 */
package io.decamp.introspector.engine.vm.guest;
