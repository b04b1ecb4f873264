/** Reads and writes the few CRIU image files that tie a replica to a restore. */
package io.decamp.restorer.engine.image;
