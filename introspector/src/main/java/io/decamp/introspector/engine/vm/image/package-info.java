/** CRIU's image files as the save from outside writes them. */
package io.decamp.introspector.engine.vm.image;
