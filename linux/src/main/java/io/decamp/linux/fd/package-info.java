/** Owners of descriptors. */
package io.decamp.linux.fd;
