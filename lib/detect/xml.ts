import { K } from './keywords.ts'
import { brief, signIf, type Look } from './look.ts'
import { rulesOf } from './rules.ts'
import { C, P } from './scan.ts'

const rule = rulesOf('xml', {
  entity: [1, 5, 'an entity declaration', '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hosts">]>', '<!DOCTYPE html>'],
  doctype: [1, 5, 'a document type with an external subset', '<!DOCTYPE a SYSTEM "http://evil.example/a.dtd">', '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd">'],
  xinclude: [1, 5, 'XInclude', '<xi:include href="file:///etc/hosts" parse="text"/>', '<include>a</include>'],
  stylesheet: [1, 5, 'XSLT that runs code or reads files', '<xsl:value-of select="document(\'/etc/hosts\')"/>', '<xsl:value-of select="name"/>'],
  expansion: [1, 5, 'entities within entities', '<!ENTITY a "&b;&b;">', '&lt;b&gt;'],
  schema: [1, 5, 'a schema that is fetched from elsewhere', '<a xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://a.b/ http://evil.example/a.xsd">', '<a xsi:type="b">'],
  xpath: [1, 5, 'a condition that is always true, in XPath', "' or count(parent::*[position()=1])=0 or 'a'='b", 'parent::node']
})

export function mayBeXml (look: Look): boolean {
  return ((look.pairs & (P.LT_BANG | P.LT_WORD)) !== 0 && (look.words & K.XML) !== 0) || ((look.pairs & P.COLONS) !== 0 && (look.chars & C.QUOTE) !== 0) ||
    ((look.chars & (C.QUOTE | C.DQUOTE)) !== 0 && (look.chars & C.SLASH) !== 0 && (look.chars & (C.BRACKET | C.PAREN)) !== 0 && look.count < 20) ||
    ((look.chars & C.PAREN) !== 0 && (look.chars & (C.SLASH | C.QUOTE | C.DQUOTE)) !== 0 && look.count < 16) || ((look.chars & C.DOLLAR) !== 0 && look.count < 20 && /^\s*(?:for|let|declare)\s/.test(look.text))
}

export function xml (look: Look): void {
  if ((look.pairs & P.LT_BANG) !== 0) {
    signIf(look, rule.entity, /<!ENTITY\s+(?:%\s*)?[^\s"'>]+\s+(?:SYSTEM|PUBLIC|["'])/i)
    signIf(look, rule.doctype, /<!DOCTYPE\s+[^\s>[]+\s+(?:SYSTEM\s+["']|PUBLIC\s+["'](?!-\/\/W3C|-\/\/IETF|-\/\/WAPFORUM|-\/\/Apple|-\/\/\/Apple)[^"'>]*["']\s+["'])/i)
    signIf(look, rule.doctype, /<!DOCTYPE\s+[^\s>[]+\s*\[\s*(?:<!|%)/i)
    signIf(look, rule.expansion, /<!(?:ENTITY|ELEMENT|ATTLIST|NOTATION)\s+[\w%]/i)
  }
  signIf(look, rule.xinclude, /<[\w-]+:include\b|http:\/\/www\.w3\.org\/2001\/XInclude/i)
  signIf(look, rule.schema, /\bxsi:(?:noNamespaceS|s)chemaLocation\s*=\s*["'][^"']*https?:\/\/(?!www\.w3\.org|schemas?\.)/i)
  signIf(look, rule.stylesheet, /<(?:xsl|msxsl|xalan|exsl):(?:include|import|script|component|result-document|document)\b|(?:document|unparsed-text)\(\s*['"]?(?:\/|file:|http|[a-z]:)|php:function|xmlns:\w+=["'](?:http:\/\/php\.net\/xsl|http:\/\/xml\.apache\.org\/xalan\/java|urn:schemas-microsoft-com:xslt|http:\/\/exslt\.org\/common)|<xsl:value-of\s+select=["'](?:system-property|php:)/i)
  if ((look.chars & (C.QUOTE | C.DQUOTE)) !== 0) signIf(look, rule.xpath, /["']\s*\)?\s*\]\s*(?:\|\s*)?\/{1,2}(?:\*|\.\.|@?[a-z]+\s*[[/*|])|["']\s*(?:or|and)\s+(?:(?:last|true|position)\(\)|not\(false\(\)|\.\s*=\s*["']|@\*|\.\.\/\w|string\(\/)|\b(?:doc|collection|unparsed-text)\(\s*["'](?:https?|file|ftp):|(?:parent|ancestor|child|attribute|self|descendant|following|preceding)(?:-or-self|-sibling)?::(?:\*|node\(\)|text\(\)|comment\(\)|user|\w+\[)/i)
  if (brief(look)) signIf(look, rule.stylesheet, /<\?xml-stylesheet\b[^>]{0,200}\bhref\s*=\s*["'](?:https?:|\/\/|file:|javascript:|data:)/i)
  if (look.count < 20) signIf(look, rule.xpath, XPATH_CALL)
}

/** Functions of XPath and XQuery that read the whole document, other documents or the environment, and the start of a query. */
const XPATH_CALL = /\b(?:count|name|local-name|string(?:-length)?|normalize-space)\s*\(\s*\/{1,2}(?:\*|@\*|[a-z-]+::|[a-z]+\[)|\b(?:fn:)?(?:doc|collection|unparsed-text|doc-available)\(\s*(?:["'](?:https?|file|ftp):|concat\()|\bfn:(?:doc|collection|unparsed-text|environment-variable)\(|\benvironment-variable\(\s*["']|\bcount\(\/{1,2}\w+\)|^\s*for\s+\$\w+\s+in\s+(?:fn:|doc\(|collection\(|\/)|^\s*declare\s+(?:variable\s+\$|function\s+\w+:|namespace\s+\w+\s*=)|^\s*let\s+\$\w+\s*:=/
