/** What this kernel can do, found by trying it. */
package io.decamp.linux.probe;
