/**
 * Constants and layouts of the kernel and the C library, by their C names. A test lets gcc compare each with the
 * headers.
 */
package io.decamp.linux.abi;
