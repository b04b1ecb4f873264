/** Processes that can not be mistaken for later ones. */
package io.decamp.linux.pid;
