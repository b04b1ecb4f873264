/**
 * The C functions, raw and package-private, and above them the checked calls: every result is looked at, errno at
 * once.
 */
package io.decamp.linux.libc;
