/** UNIX sockets that pass descriptors. */
package io.decamp.linux.socket;
