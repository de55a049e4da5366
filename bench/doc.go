// Package bench is a module of its own, so that what the product is measured against is no dependency of the product.
package bench
