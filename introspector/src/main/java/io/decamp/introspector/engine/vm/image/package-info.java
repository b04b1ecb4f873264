/** CRIU's image files as the save from outside writes them, and what becomes of what they can't say. */
package io.decamp.introspector.engine.vm.image;
