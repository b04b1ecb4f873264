/** What the page tables of a process say. */
package io.decamp.linux.pagemap;
