package pack

import (
	"archive/zip"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// workbook writes an XLSX file sheet by sheet and row by row. Every cell is text, so that none can be a formula.
type workbook struct {
	out    *output
	zip    *zip.Writer
	sheets []string
	sheet  io.Writer
	name   string // of the sheet, before numbers
	part   int    // of a sheet that goes on in another
	rows   int
	err    error
}

// What a spreadsheet program takes.
const (
	maxRows     = 1 << 20
	maxCellText = 32000
	maxName     = 31
)

func (b *builder) newWorkbook(name string) (*workbook, error) {
	out, err := b.files.create(name)
	if err != nil {
		return nil, err
	}
	return &workbook{out: out, zip: zip.NewWriter(out)}, nil
}

func (w *workbook) entry(name string) io.Writer {
	h := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: stamp}
	out, err := w.zip.CreateHeader(h)
	w.fail(err)
	if err != nil {
		return io.Discard
	}
	return out
}

func (w *workbook) fail(err error) { w.err = errors.Join(w.err, err) }

func (w *workbook) text(format string, args ...any) {
	_, err := fmt.Fprintf(w.sheet, format, args...)
	w.fail(err)
}

const (
	xmlHead   = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"
	mainSpace = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
	relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
)

// begin begins a sheet.
func (w *workbook) begin(name string) {
	w.end()
	w.name, w.part = name, 1
	w.open(name)
}

func (w *workbook) open(name string) {
	if len(name) > maxName {
		name = fmt.Sprintf("%s~%d", name[:maxName-4], len(w.sheets)+1)
	}
	w.sheets, w.rows = append(w.sheets, name), 0
	w.sheet = w.entry(fmt.Sprintf("xl/worksheets/sheet%d.xml", len(w.sheets)))
	w.text(`%s<worksheet xmlns="%s"><sheetData>`, xmlHead, mainSpace)
}

func (w *workbook) end() {
	if w.sheet != nil {
		w.text("</sheetData></worksheet>")
		w.sheet = nil
	}
}

func (w *workbook) row(cells []string) {
	if w.rows == maxRows {
		w.end()
		w.part++
		w.open(fmt.Sprintf("%.25s %d", w.name, w.part))
	}
	w.rows++
	w.text("<row>")
	for _, cell := range cells {
		if len(cell) > maxCellText {
			cell = strings.ToValidUTF8(cell[:maxCellText], "") + "… (cut; whole in the JSON lines)"
		}
		w.text(`<c t="inlineStr"><is><t xml:space="preserve">`)
		w.fail(xml.EscapeText(w.sheet, []byte(cell)))
		w.text("</t></is></c>")
	}
	w.text("</row>")
}

// close writes what holds the sheets together. A workbook has one sheet at least.
func (w *workbook) close() error {
	if len(w.sheets) == 0 {
		w.begin("empty")
	}
	w.end()
	var types, sheets, links strings.Builder
	for i, name := range w.sheets {
		fmt.Fprintf(&types, `<Override PartName="/xl/worksheets/sheet%d.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>`, i+1)
		fmt.Fprintf(&sheets, `<sheet name="%s" sheetId="%d" r:id="rId%[2]d"/>`, name, i+1)
		fmt.Fprintf(&links, `<Relationship Id="rId%d" Type="%s/worksheet" Target="worksheets/sheet%[1]d.xml"/>`, i+1, relations)
	}
	for _, part := range [][2]string{
		{"[Content_Types].xml", `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
			`<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>` + types.String() + `</Types>`},
		{"_rels/.rels", `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="` + relations + `/officeDocument" Target="xl/workbook.xml"/></Relationships>`},
		{"xl/workbook.xml", `<workbook xmlns="` + mainSpace + `" xmlns:r="` + relations + `"><sheets>` + sheets.String() + `</sheets></workbook>`},
		{"xl/_rels/workbook.xml.rels", `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">` + links.String() + `</Relationships>`},
	} {
		_, err := io.WriteString(w.entry(part[0]), xmlHead+part[1])
		w.fail(err)
	}
	w.fail(w.zip.Close())
	return errors.Join(w.err, w.out.close())
}
